//! What the task drawer receives of what a task made. Shapes only.

use super::*;

views! {
    /// What a task made, each with all its contents and who read which.
    ArtifactsView { artifacts: Vec<ArtifactView>, }
    ArtifactView {
        id: String, name: AgentText, media_type: Option<String>, uri: Option<String>, schema: Option<String>, refused: bool,
        versions: Vec<ArtifactVersion>, readers: Vec<ArtifactReader>, handed_to: Vec<String>,
    }
    /// One content, newest first. `digest`: SHA-256; `told`: the agent says so, and it was not sent here.
    ArtifactVersion { digest: String, told: bool, version: Option<String>, at: Time, size_bytes: Option<u64>, has_body: bool, }
    /// `behind`: a newer version has come since.
    ArtifactReader { agent: String, endpoint: EndpointId, task: Option<String>, version: Option<String>, at: Time, behind: bool, }
    ArtifactBodyRequest { endpoint: EndpointId, id: String, digest: String, }
    /// One content: as a tree, or as text; never as markup. `matches`: its bytes have the digest that was told.
    ArtifactBody { kind: String, tree: Option<TreeView>, text: Option<AgentText>, digest: String, matches: Option<bool>, }
}
