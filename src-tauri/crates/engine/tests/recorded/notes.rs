//! What the press agent made besides the page: a note in Markdown with every kind of block and what hostile text tries in
//! it, a log too long for one part, and a summary whose schema nobody has given.

use serde_json::{Value, json};

use super::office::stamp;

const NOTE: &str = "\
# What changes on Monday

The price page goes live at **06:00**. It replaces the page of *last spring*, which ~~stays~~ goes away.

## Prices

| Plan    | A month | Who asked         |
| ------- | ------: | ----------------- |
| Team    |    19 € | `mail-desk`       |
| Company |    49 € | The board, twice  |

## Before it goes live

- [x] Prices are written without tax
- [x] The old address leads to the new page
- [ ] Somebody reads the *French* page
  1. The heading
  2. The table, whose columns are narrow

> Prices are written without tax.
>
> > They were not in March.

### How it is built

```sh
site-build --only prices --out preview   # about a minute
site-publish preview
```

The rules are at <https://example.com/rules?of=prices>, the discussion is [in the tracker](https://tracker.example/T-1860),
and the numbers come from [the old system](http://prices.internal/export).

![The page as it will look](https://pictures.example/preview.png?seen=T-1860)

---

<div onclick=\"alert(1)\">Sent by the template: <b>please check</b>.</div>

Click [https://bank.example](javascript:alert(document.cookie)) to go on, or the account\u{202e}gnp.exe is closed.
";

/// All, as items of the agent's answer.
pub(crate) fn made() -> Vec<(i64, Value)> {
    let item = |id: &str, name: &str, minute: i64, body: String| {
        let item = json!({
            "id": id, "taskId": "T-1860", "name": name, "mediaType": "text/markdown", "version": format!("draft-{minute}"),
            "createdAt": stamp(minute), "body": body,
        });
        (minute, item)
    };
    let step = |number: u32| {
        format!(
            "## Page {number}\n\n- `prices/{number}.html` is written, *{} bytes*\n- Nothing links to it from **/about**\n\n",
            4_000 + number * 37 % 900
        )
    };
    let log = format!(
        "# Build of the price pages\n\n{}",
        (1..=520).map(step).collect::<String>()
    );
    let summary = json!({
        "id": "summary", "taskId": "T-1860", "name": "Summary for the digest", "mediaType": "application/json",
        "schemaRef": "schemas/summary.json", "version": "draft-62", "createdAt": stamp(62),
        "body": { "heading": "New prices from Monday", "changed": ["Team", "Company"], "until": null },
    });
    vec![
        (62, summary),
        item("monday", "What changes on Monday", 63, NOTE.to_owned()),
        item("build-log", "Log of the build", 60, log),
    ]
}
