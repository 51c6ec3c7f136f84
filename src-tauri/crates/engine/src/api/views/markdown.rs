//! Markdown as a screen receives it: a tree of a few kinds. Shapes only; nothing in it is markup, and no address in it
//! is opened or fetched by being drawn.

use super::*;

views! {
    /// An item of a list; `checked`: it is a box that is ticked or not.
    MarkdownItem { checked: Option<bool>, blocks: Vec<MarkdownBlock>, }
    /// A cell of a table.
    MarkdownCell { inlines: Vec<MarkdownInline>, }
    /// A row of a table.
    MarkdownRow { cells: Vec<MarkdownCell>, }
}

/// One block. `Markup` is HTML as it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
#[allow(missing_docs)]
pub enum MarkdownBlock {
    Heading {
        level: u8,
        inlines: Vec<MarkdownInline>,
    },
    Paragraph {
        inlines: Vec<MarkdownInline>,
    },
    Code {
        language: Option<AgentText>,
        text: AgentText,
    },
    Quote {
        blocks: Vec<MarkdownBlock>,
    },
    List {
        start: Option<u64>,
        items: Vec<MarkdownItem>,
    },
    Table {
        head: MarkdownRow,
        rows: Vec<MarkdownRow>,
    },
    Rule,
    Markup {
        text: AgentText,
    },
}

/// Words of a block. `host`: the address may be opened, and leads there; else `refused` says why not. An image is never
/// fetched: it is its words and its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
#[allow(missing_docs)]
pub enum MarkdownInline {
    Text {
        text: AgentText,
    },
    Code {
        text: AgentText,
    },
    Emphasis {
        inlines: Vec<MarkdownInline>,
    },
    Strong {
        inlines: Vec<MarkdownInline>,
    },
    Struck {
        inlines: Vec<MarkdownInline>,
    },
    Link {
        inlines: Vec<MarkdownInline>,
        address: AgentText,
        host: Option<String>,
        refused: Option<String>,
    },
    Image {
        text: AgentText,
        address: AgentText,
    },
    Markup {
        text: AgentText,
    },
    Break,
}
