//! What a page of Markdown is, told in one line each; and that nothing an agent writes makes it long, deep or slow.

use std::time::Instant;

use super::*;

fn told(blocks: &[MarkdownBlock]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    parts.join(" ")
}

fn block(block: &MarkdownBlock) -> String {
    match block {
        MarkdownBlock::Heading { level, inlines } => format!("h{level}({})", line(inlines)),
        MarkdownBlock::Paragraph { inlines } => format!("p({})", line(inlines)),
        MarkdownBlock::Code { language, text } => {
            let language = language.as_ref().map_or("", |said| &said.text);
            format!("code({language}: {})", text.text)
        }
        MarkdownBlock::Quote { blocks } => format!("quote({})", told(blocks)),
        MarkdownBlock::List { start, items } => {
            let items: Vec<String> = items
                .iter()
                .map(|item| {
                    let sign = match item.checked {
                        None => "",
                        Some(true) => "[x]",
                        Some(false) => "[ ]",
                    };
                    format!("{sign}{}", told(&item.blocks))
                })
                .collect();
            let start = start.map_or(String::new(), |number| number.to_string());
            format!("list{start}({})", items.join(", "))
        }
        MarkdownBlock::Table { head, rows } => {
            let rows: Vec<String> = std::iter::once(head).chain(rows).map(row).collect();
            format!("table({})", rows.join(" / "))
        }
        MarkdownBlock::Rule => "rule".to_owned(),
        MarkdownBlock::Markup { text } => format!("markup({})", text.text),
    }
}

fn row(row: &MarkdownRow) -> String {
    let cells: Vec<String> = row.cells.iter().map(|cell| line(&cell.inlines)).collect();
    cells.join(" | ")
}

fn line(inlines: &[MarkdownInline]) -> String {
    let each = |inline: &MarkdownInline| match inline {
        MarkdownInline::Text { text } => text.text.clone(),
        MarkdownInline::Code { text } => format!("`{}`", text.text),
        MarkdownInline::Emphasis { inlines } => format!("em({})", line(inlines)),
        MarkdownInline::Strong { inlines } => format!("strong({})", line(inlines)),
        MarkdownInline::Struck { inlines } => format!("struck({})", line(inlines)),
        MarkdownInline::Link {
            inlines,
            address,
            host,
            refused,
        } => {
            assert_eq!(host.is_some(), refused.is_none());
            let leads = host.as_deref().unwrap_or("nowhere");
            format!("link({} -> {} at {leads})", line(inlines), address.text)
        }
        MarkdownInline::Image { text, address } => {
            format!("image({}: {})", text.text, address.text)
        }
        MarkdownInline::Markup { text } => format!("markup({})", text.text),
        MarkdownInline::Break => "\\".to_owned(),
    };
    inlines.iter().map(each).collect()
}

#[track_caller]
fn check(source: &str, expected: &str) {
    let page = page(source, 0);
    assert_eq!(told(&page.blocks), expected, "{source:?}");
    assert_eq!((page.next, page.cut), (None, false), "{source:?}");
}

#[test]
fn markdown_becomes_blocks_and_words() {
    check("", "");
    check(
        "# One\n\nTwo *three* **four** ~~five~~ `six`\nseven",
        "h1(One) p(Two em(three) strong(four) struck(five) `six`\nseven)",
    );
    check("a  \nb", "p(a\\b)");
    check("- a\n- b\n  1. c\n", "list(p(a), p(b) list1(p(c)))");
    check("7. a\n\n8. b\n", "list7(p(a), p(b))");
    check("- [ ] a\n- [x] b\n", "list([ ]p(a), [x]p(b))");
    check("> a\n>\n> b", "quote(p(a) p(b))");
    check(
        "```rust,ignore now\nfn a() {}\n\n```\n",
        "code(rust,ignore: fn a() {}\n)",
    );
    check("    <b>", "code(: <b>)");
    check(
        "| a | b |\n|---|--:|\n| `c` | d |\n",
        "table(a | b / `c` | d)",
    );
    check("a\n\n---\n\nb", "p(a) rule p(b)");
    check("---\ntitle: x\n---\n\na", "code(: title: x) p(a)");
}

#[test]
fn an_address_is_told_with_where_it_leads_and_nothing_is_fetched() {
    check(
        "[a](https://example.com/x)",
        "p(link(a -> https://example.com/x at example.com))",
    );
    check(
        "<https://example.com>",
        "p(link(https://example.com -> https://example.com at example.com))",
    );
    check(
        "[a][1]\n\n[1]: https://example.com",
        "p(link(a -> https://example.com at example.com))",
    );
    check(
        "[a](javascript:alert(1))",
        "p(link(a -> javascript:alert(1) at nowhere))",
    );
    check(
        "[https://bank.example](https://evil.example)",
        "p(link(https://bank.example -> https://evil.example at evil.example))",
    );
    check(
        "[](http://10.0.0.1/x)",
        "p(link( -> http://10.0.0.1/x at nowhere))",
    );
    check(
        "![a *b* `c`](https://x.example/p.png?q=secret)",
        "p(image(a b c: https://x.example/p.png?q=secret))",
    );
    check(
        "[![a](https://x.example)](https://y.example)",
        "p(link(image(a: https://x.example) -> https://y.example at y.example))",
    );
}

#[test]
fn html_is_text() {
    check(
        "<script>alert(1)</script>\n",
        "markup(<script>alert(1)</script>)",
    );
    check(
        "a <img src=x onerror=b> c",
        "p(a markup(<img src=x onerror=b>) c)",
    );
    check("&lt;b&gt; &#x202e;a", "p(<b> ⟨U+202E⟩a)");
    check("<!-- hidden -->", "markup(<!-- hidden -->)");
}

#[test]
fn what_hides_is_shown_and_honest_words_are_not_marked() {
    // A Cyrillic word that reads as Latin, in two parts.
    let page = page("Open pay*\u{440}\u{430}l* now.", 0);
    assert_eq!(
        told(&page.blocks),
        "p(Open payem(\u{440}⟨U+0440⟩\u{430}⟨U+0430⟩l) now.)"
    );
    check("Он **а** она", "p(Он strong(а) она)");
    check("`a\u{200b}b`", "p(`a⟨U+200B⟩b`)");
    check("```\na\u{202e}b\n```", "code(: a⟨U+202E⟩b)");
}

#[track_caller]
fn all_pages(source: &str) -> Vec<MarkdownBlock> {
    let mut from = 0;
    let mut blocks = vec![];
    loop {
        let page = page(source, from);
        assert!(!page.cut && page.blocks.len() <= PAGE_PLACES);
        blocks.extend(page.blocks);
        match page.next {
            Some(next) => {
                assert!(next > from);
                from = next;
            }
            None => return blocks,
        }
    }
}

#[test]
fn a_long_text_comes_page_by_page_and_nothing_is_missing_or_doubled() {
    let line = |number: usize| format!("Line {number} is *here*.");
    let paragraphs: String = (0..9_000)
        .map(|number| format!("{}\n\n", line(number)))
        .collect();
    let blocks = all_pages(&paragraphs);
    assert_eq!(blocks.len(), 9_000);
    for (number, each) in blocks.iter().enumerate() {
        assert_eq!(block(each), format!("p(Line {number} is em(here).)"));
    }
    // One list of the whole length, and much that is no block at all.
    let list: String = (0..9_000)
        .map(|number| format!("- {}\n", line(number)))
        .collect();
    let gap = "\n".repeat(3 * READ);
    let blocks = all_pages(&format!("# A\n\n{list}{gap}# B\n"));
    let items: Vec<String> = blocks
        .iter()
        .flat_map(|block| match block {
            MarkdownBlock::List { items, .. } => {
                items.iter().map(|item| told(&item.blocks)).collect()
            }
            _ => vec![],
        })
        .collect();
    assert_eq!(items.len(), 9_000);
    assert_eq!(
        items.last().map(String::as_str),
        Some("p(Line 8999 is em(here).)")
    );
    assert_eq!(blocks.last().map(block).as_deref(), Some("h1(B)"));
}

#[test]
fn a_block_too_long_to_be_drawn_is_said_to_be_cut() {
    for (source, next) in [
        (format!("```\n{}```\n", "a\n".repeat(READ)), false),
        ("a ".repeat(READ), false),
        (format!("|a|\n|-|\n{}\nEnd\n", "|b|\n".repeat(2_000)), true),
    ] {
        let page = page(&source, 0);
        assert!(page.cut);
        assert_eq!(page.next.is_some(), next);
    }
}

/// Places in a tree, its depth, and the bytes of its texts.
fn measure(value: &serde_json::Value, depth: usize) -> (usize, usize, usize) {
    let within = |values: &mut dyn Iterator<Item = &serde_json::Value>| {
        values.fold((1, depth, 0), |sum, each| {
            let part = measure(each, depth + 1);
            (sum.0 + part.0, sum.1.max(part.1), sum.2 + part.2)
        })
    };
    match value {
        serde_json::Value::Array(all) => within(&mut all.iter()),
        serde_json::Value::Object(all) => within(&mut all.values()),
        serde_json::Value::String(words) => (1, depth, words.len()),
        _ => (1, depth, 0),
    }
}

#[test]
fn nothing_an_agent_writes_makes_a_page_long_deep_or_slow() {
    const SIZE: usize = 1 << 20;
    let of = |part: &str| part.repeat(SIZE / part.len());
    let deep: String = (0..1_500)
        .map(|depth| format!("{}- a\n", "  ".repeat(depth)))
        .collect();
    for source in [
        of("a"),
        of("> "),
        of("- "),
        of("* a\n"),
        of("*a **b "),
        of("["),
        of("![["),
        of("[a](<b"),
        of("`a ``"),
        of("<a "),
        of("<!--"),
        of("| a | b |\n|-|-|\n"),
        format!("{}\n{}\n{}", of("|a"), of("|-"), "|b".repeat(9)),
        format!("|a|b|\n|-|-|\n{}", of("|\u{202e}|<b>|\n")),
        of("\\"),
        of("&amp;"),
        of("\u{202e}\u{200b}"),
        of("a\n"),
        of("a  \n"),
        of("# a\n"),
        of("```\na\n"),
        format!("```\n{}", of("a\n")),
        of("~~a~~"),
        of("[a]: b\n"),
        of("[a][a]\n\n[a]: https://example.com\n"),
        of("> - > "),
        deep,
    ] {
        let begun = Instant::now();
        let page = page(&source, 0);
        let took = begun.elapsed();
        let (places, depth, bytes) = measure(&serde_json::to_value(&page.blocks).unwrap(), 0);
        let named: String = source.chars().take(12).collect();
        assert!(took.as_secs() < 10, "{named:?} took {took:?}");
        assert!(depth < 100, "{named:?} is {depth} deep");
        assert!(bytes < 8 * MOST_BYTES, "{named:?} has {bytes} bytes");
        assert!(places < 400_000, "{named:?} has {places} places");
        assert!(
            page.next.is_some_and(|next| next > 0)
                || page.cut
                || source.len() < SIZE
                || bytes < MOST_BYTES,
            "{named:?}"
        );
        println!(
            "{named:?}: {took:?}, {places} places, {depth} deep, {bytes} bytes, cut {}, next {:?}",
            page.cut, page.next
        );
    }
}
