//! The one list of commands. From it come the dispatch of the host and the TypeScript map the screens are typed with;
//! a command that is not listed here does not exist.

use super::views::*;

/// Calls back with the whole list: `name: Request => Answer [topics that make the answer stale];`.
macro_rules! with_commands {
    ($callback:ident) => {
        $callback! {
            status: Nothing => StatusView [Status];
            inbox: Nothing => InboxView [Inbox];
            escalation: EscalationRequest => EscalationView [Inbox];
            finding: FindingRequest => FindingView [Inbox Limits Letters];
            decide: DecideRequest => DecisionView [];
            undo_decision: UndoRequest => Nothing [];
            acknowledge_alteration: UndoRequest => Nothing [];
            act_on_finding: FindingAction => SettledView [];
            board: BoardRequest => BoardView [Board];
            task: TaskRequest => TaskView [Board];
            artifacts: TaskRequest => ArtifactsView [Board];
            artifact_body: ArtifactBodyRequest => ArtifactBody [];
            cancel_task: TaskRequest => TextView [];
            timeline: TimelineRequest => TimelineView [Timeline];
            export_timeline: ExportTimelineRequest => ExportView [];
            ownership: Nothing => OwnershipView [Ownership];
            ruled_by: ResourceRequest => RuledView [Ownership];
            edit_draft: EditView => DraftView [];
            save_draft: SaveRequest => OwnershipView [];
            import_ownership: ImportRequest => DraftView [];
            export_ownership: ExportRequest => ExportView [];
            ownership_version: RevisionRequest => OwnershipView [];
            restore_version: RevisionRequest => DraftView [];
            schemas: Nothing => SchemasView [Ownership Letters];
            schema: SchemaRequest => SchemaText [Ownership];
            save_schema: SaveSchemaRequest => SchemaSaved [];
            remove_schema: SchemaRequest => SchemaSaved [];
            limits: Nothing => LimitsView [Limits];
            agents: Nothing => AgentsView [Agents];
            schedules: Nothing => SchedulesView [Agents];
            probe: ProbeRequest => ProbeView [];
            add_endpoint: AddEndpointRequest => EndpointView [];
            edit_endpoint: EditEndpointRequest => Nothing [];
            remove_endpoint: EndpointRequest => Nothing [];
            mapping: EndpointRequest => MappingView [Agents];
            preview_mapping: PreviewMappingRequest => PreviewMappingView [];
            save_mapping: SaveMappingRequest => Nothing [];
            login_places: Nothing => LoginPlacesView [Agents];
            poll_now: EndpointRequest => Nothing [];
            raw_answer: EndpointRequest => RawView [];
            discover_plan: Nothing => DiscoverPlan [];
            discover: DiscoverRequest => DiscoverView [];
            start_demo: Nothing => Nothing [];
            leave_demo: Nothing => Nothing [];
            dead_letters: Nothing => LettersView [Letters];
            dead_letter: LetterRequest => LetterView [Letters];
            draft_letter: LetterDraft => LetterDraftView [];
            act_on_letters: LetterAction => LetterOutcomes [];
            context: Nothing => ContextView [Context];
            context_document: ContextRequest => ContextDocument [Context];
            settle_context: SettleRequest => SettleView [];
            trust_clock: Nothing => Nothing [];
            settings: Nothing => SettingsView [Settings];
            save_settings: SettingsRequest => SettingsView [];
            check_record: Nothing => SettingsView [];
            search: SearchRequest => SearchView [];
            open_link: LinkRequest => Nothing [];
            ui_ready: Nothing => Nothing [];
        }
    };
}

macro_rules! typescript {
    ($($name:ident: $request:ident => $answer:ident [$($topic:ident)*];)*) => {
        /// `ui/src/api/generated/commands.ts`: every command with its request, its answer and what makes it stale.
        pub fn typescript() -> String {
            let mut text = String::from("// Written by `cargo test -p engine`; do not edit.\n");
            let mut names = vec![$(stringify!($request), stringify!($answer)),*];
            names.sort_unstable();
            names.dedup();
            for name in names {
                text.push_str(&format!("import type {{ {name} }} from \"./{name}\";\n"));
            }
            text.push_str("import type { Topic } from \"./Topic\";\n\nexport type Commands = {\n");
            $(text.push_str(&format!(
                "  {}: [{}, {}];\n",
                camel(stringify!($name)), stringify!($request), stringify!($answer)
            ));)*
            text.push_str("};\n\nexport const topics: Record<keyof Commands, Topic[]> = {\n");
            $(
                let topics: Vec<String> = vec![$(stringify!($topic).to_lowercase()),*];
                text.push_str(&format!("  {}: {topics:?},\n", camel(stringify!($name))));
            )*
            text.push_str("};\n");
            // Type-check the list against the views.
            $(let _: Option<($request, $answer)> = None;)*
            text
        }
    };
}
with_commands!(typescript);
pub(super) use with_commands;

/// `undo_decision` → `undoDecision`: the name on the wire.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut text, word| {
        let (head, tail) = word.split_at(1);
        text.push_str(&head.to_uppercase());
        text.push_str(tail);
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_typescript_map_of_commands_is_written() {
        let dir = std::env::var("TS_RS_EXPORT_DIR").expect("set in .cargo/config.toml");
        std::fs::create_dir_all(&dir).expect("the folder can be made");
        std::fs::write(
            std::path::Path::new(&dir).join("commands.ts"),
            super::typescript(),
        )
        .expect("it can be written");
    }
}
