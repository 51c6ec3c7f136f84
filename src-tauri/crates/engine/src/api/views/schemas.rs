//! What the screens receive of JSON Schemas that bodies are held to. Shapes only.

use super::*;

words! {
    /// What a body is to a schema: it fits, it is refused, the person took it all the same, the schema is not known (or cannot be used), or no
    /// body was sent to look at.
    SchemaCheck { Fits, Refused, Accepted, Unchecked, NoBody, }
}

views! {
    /// Schemas that were given, and those that stages or artifacts name and nobody gave; these first. `missing` counts them.
    SchemasView { title: String, missing: u32, schemas: Vec<SchemaView>, }
    /// `known`: it was given. `problem`: why it checks nothing. `stages` hold what is handed to them to it; `artifacts` name it themselves, of
    /// `agents`. `refused`: outputs that stand refused by it. `uses` says all that in sentences.
    SchemaView {
        name: String, known: bool, sha256: Option<String>, added_at: Option<Time>, bytes: Option<u32>, problem: Option<String>,
        stages: Vec<String>, artifacts: u32, agents: Vec<String>, refused: u32, uses: Vec<String>,
    }
    SchemaRequest { name: String, }
    /// As it was given.
    SchemaText { name: String, text: String, sha256: String, added_at: Time, }
    /// Takes the place of the one of that name. Holds from then on for what stands and for what comes.
    SaveSchemaRequest { name: String, text: String, }
    /// What it did, in a sentence.
    SchemaSaved { sentence: String, refused: u32, }
    /// A schema that an artifact is held to. `because`: why, in a sentence.
    ArtifactCheck { schema: String, because: String, check: SchemaCheck, }
}
