//! What the task drawer receives of what a task made. Shapes only.

use super::*;

views! {
    /// What a task made, each with all its contents and who read which.
    ArtifactsView { artifacts: Vec<ArtifactView>, }
    /// `checks`: what its newest content is held to, by itself and by the stages it was handed to.
    ArtifactView {
        id: String, name: AgentText, media_type: Option<String>, uri: Option<String>, schema: Option<String>, refused: bool,
        checks: Vec<ArtifactCheck>,
        versions: Vec<ArtifactVersion>, readers: Vec<ArtifactReader>, handed_to: Vec<String>,
    }
    /// One content, newest first. `digest`: SHA-256; `told`: the agent says so, and it was not sent here.
    ArtifactVersion { digest: String, told: bool, version: Option<String>, at: Time, size_bytes: Option<u64>, has_body: bool, }
    /// `behind`: a newer version has come since.
    ArtifactReader { agent: String, endpoint: EndpointId, task: Option<String>, version: Option<String>, at: Time, behind: bool, }
    /// `from`: where the part begins, in bytes, as an answer named it, or 0. `as_text`: as it was written.
    ArtifactBodyRequest { endpoint: EndpointId, id: String, digest: String, from: u64, as_text: bool, }
    /// A part of one content, as `json` (a tree), `markdown` (blocks) or `text`; never as markup. `drawn`: it has a form
    /// besides text. `next`: where the following part begins. `size`: of the whole, in bytes. `cut`: a block is too long
    /// to be drawn whole. `matches`: its bytes have the digest that was told.
    ArtifactBody {
        kind: String, drawn: bool, tree: Option<TreeView>, blocks: Option<Vec<MarkdownBlock>>, text: Option<AgentText>,
        digest: String, matches: Option<bool>, from: u64, next: Option<u64>, size: u64, cut: bool,
    }
}
