//! Markup that runs, loads or submits something wherever a text of an agent is taken for more than text: every tag with
//! something to do, in every place it could break out of. `HIT` is what a script would say, `BEACON` an address of the test's
//! own that nobody may ever ask. It knows nothing of the window.

use std::collections::BTreeSet;

/// What would set the mark that the walk looks for.
const HIT: &str = "window.hit=1";

/// Tags that run a script by themselves, or at a touch.
const RUNS: &[&str] = &[
    "img src=x onerror=HIT",
    "svg onload=HIT",
    "body onpageshow=HIT",
    "video src=x onerror=HIT",
    "audio src=x onerror=HIT",
    "video poster=x onloadstart=HIT",
    "video><source src=x onerror=HIT",
    "details open ontoggle=HIT",
    "input autofocus onfocus=HIT",
    "select autofocus onfocus=HIT",
    "textarea autofocus onfocus=HIT",
    "button autofocus onfocus=HIT",
    "div tabindex=0 autofocus onfocus=HIT",
    "div contenteditable oninput=HIT",
    "div onpointerenter=HIT",
    "marquee onstart=HIT",
    "iframe onload=HIT",
    "iframe src=javascript:HIT",
    "iframe srcdoc='<script>parent.HIT</script>'",
    "object data=javascript:HIT",
    "embed src=javascript:HIT",
    "style onload=HIT",
    "link rel=stylesheet href=x onerror=HIT",
    "form action=javascript:HIT><input type=submit autofocus",
    "a href=javascript:HIT autofocus",
    "svg><a xlink:href=javascript:HIT",
    "svg><animate onbegin=HIT attributeName=x dur=1s",
    "svg><set attributeName=href to=javascript:HIT",
    "svg><foreignObject><script>HIT</script",
    "math><mi xlink:href=javascript:HIT",
    "script>HIT</script",
    "template><script>HIT</script",
];

/// Tags that ask an address for something.
const LOADS: &[&str] = &[
    "img src=BEACON",
    "img srcset='BEACON 2x'",
    "picture><source srcset=BEACON><img",
    "iframe src=BEACON",
    "script src=BEACON></script",
    "link rel=stylesheet href=BEACON",
    "link rel=preload as=image href=BEACON",
    "link rel=dns-prefetch href=BEACON",
    "object data=BEACON",
    "embed src=BEACON",
    "video src=BEACON autoplay",
    "video poster=BEACON",
    "audio src=BEACON autoplay",
    "input type=image src=BEACON",
    "body background=BEACON",
    "table background=BEACON",
    "svg><image href=BEACON",
    "svg><use href=BEACON#x",
    "base href=BEACON",
    "meta http-equiv=refresh content='0;url=BEACON'",
    "form action=BEACON><button autofocus",
    "div style='background:url(BEACON)'",
    "style>*{background:url(BEACON)}</style",
    "style>@import 'BEACON'</style",
];

/// Where a tag stands when the text around it is taken for markup, an attribute, a script, a style or a comment.
const PLACES: &[&str] = &[
    "<TAG>",
    "\"><TAG>",
    "'--></textarea></script></style></title><TAG>",
];

/// What is neither a tag nor an address: other languages that a text could be taken for, and tags in disguise.
const OTHERS: &[&str] = &[
    "![x](BEACON)",
    "![x][1]\n\n[1]: BEACON \"x\"",
    "[![x](BEACON)](javascript:HIT)",
    "[x](javascript:HIT)",
    "[x](JaVaScRiPt:HIT)",
    "[x](java\tscript:HIT)",
    "[x](data:text/html,<script>HIT</script>)",
    "[x](vbscript:HIT)",
    "[x](tauri://localhost/../..)",
    "<javascript:HIT>",
    "<BEACON>",
    "```html\n<img src=BEACON onerror=HIT>\n```",
    "| <img src=BEACON> |\n|---|\n| [x](javascript:HIT) |",
    "{{HIT}}",
    "{{constructor.constructor('HIT')()}}",
    "${HIT}",
    "#{HIT}",
    "<%= HIT %>",
    "[[HIT]]",
    "{@html '<img src=BEACON onerror=HIT>'}",
    "{#if (HIT)}{/if}",
    "javascript:HIT",
    "javascript://%0aHIT",
    "\u{1}javascript:HIT",
    "data:text/html,<script>HIT</script>",
    "');HIT;//",
    "\";HIT;//",
    "\\\";HIT;//",
    "\u{2028}HIT",
    "`;HIT;//",
    "</script><script>HIT</script>",
    "<script>HIT</script",
    "<scr<script>ipt>HIT</scr</script>ipt>",
    "<ſcript>HIT</ſcript>",
    "<im\u{0}g src=BEACON onerror=HIT>",
    "<img\u{b}src=BEACON\u{c}onerror=HIT>",
    "<img/src=BEACON/onerror=HIT>",
    "<IMG SRC=BEACON ONERROR=HIT>",
    "<img src=`x` onerror=HIT>",
    "&lt;img src=BEACON onerror=HIT&gt;",
    "&#60;img src=BEACON onerror=HIT&#62;",
    "\\u003cimg src=BEACON onerror=HIT\\u003e",
    "%3Cimg src=BEACON onerror=HIT%3E",
    "+ADw-img src=BEACON onerror=HIT+AD4-",
    "＜img src=BEACON onerror=HIT＞",
    "<![CDATA[<img src=BEACON onerror=HIT>]]>",
    "<!--<img src='--><img src=BEACON onerror=HIT>'",
    "<noscript><p title='</noscript><img src=BEACON onerror=HIT>'>",
    "<math><mtext><table><mglyph><style><!--</style><img src=BEACON onerror=HIT>",
    "<svg><style><img src=BEACON onerror=HIT></style></svg>",
    "<svg><![CDATA[><img src=BEACON onerror=HIT>]]></svg>",
    "<?xml-stylesheet href='BEACON'?>",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'BEACON'>]><x>&e;</x>",
    "expression(HIT)",
    "x:url(BEACON);behavior:url(BEACON)",
    "\u{1b}]8;;BEACON\u{7}x\u{1b}]8;;\u{7}",
];

/// All of them, none twice, with the address that nobody may ask.
pub(crate) fn payloads(beacon: &str) -> BTreeSet<String> {
    let tags = RUNS.iter().chain(LOADS);
    let placed = tags.flat_map(|tag| PLACES.iter().map(move |place| place.replace("TAG", tag)));
    let others = OTHERS.iter().map(|&other| other.to_owned());
    placed
        .chain(others)
        .map(|text| text.replace("HIT", HIT).replace("BEACON", beacon))
        .collect()
}
