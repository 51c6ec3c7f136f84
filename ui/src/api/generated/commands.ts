// Written by `cargo test -p engine`; do not edit.
import type { AddEndpointRequest } from "./AddEndpointRequest";
import type { AgentsView } from "./AgentsView";
import type { ArtifactBody } from "./ArtifactBody";
import type { ArtifactBodyRequest } from "./ArtifactBodyRequest";
import type { ArtifactsView } from "./ArtifactsView";
import type { BoardRequest } from "./BoardRequest";
import type { BoardView } from "./BoardView";
import type { ContextDocument } from "./ContextDocument";
import type { ContextRequest } from "./ContextRequest";
import type { ContextView } from "./ContextView";
import type { DecideRequest } from "./DecideRequest";
import type { DecisionView } from "./DecisionView";
import type { DiscoverPlan } from "./DiscoverPlan";
import type { DiscoverRequest } from "./DiscoverRequest";
import type { DiscoverView } from "./DiscoverView";
import type { DraftView } from "./DraftView";
import type { EditEndpointRequest } from "./EditEndpointRequest";
import type { EditView } from "./EditView";
import type { EndpointRequest } from "./EndpointRequest";
import type { EndpointView } from "./EndpointView";
import type { EscalationRequest } from "./EscalationRequest";
import type { EscalationView } from "./EscalationView";
import type { ExportRequest } from "./ExportRequest";
import type { ExportTimelineRequest } from "./ExportTimelineRequest";
import type { ExportView } from "./ExportView";
import type { FindingAction } from "./FindingAction";
import type { FindingRequest } from "./FindingRequest";
import type { FindingView } from "./FindingView";
import type { ImportRequest } from "./ImportRequest";
import type { InboxView } from "./InboxView";
import type { LetterAction } from "./LetterAction";
import type { LetterDraft } from "./LetterDraft";
import type { LetterDraftView } from "./LetterDraftView";
import type { LetterOutcomes } from "./LetterOutcomes";
import type { LetterRequest } from "./LetterRequest";
import type { LetterView } from "./LetterView";
import type { LettersView } from "./LettersView";
import type { LimitsView } from "./LimitsView";
import type { LinkRequest } from "./LinkRequest";
import type { LoginPlacesView } from "./LoginPlacesView";
import type { MappingView } from "./MappingView";
import type { Nothing } from "./Nothing";
import type { OwnershipView } from "./OwnershipView";
import type { PreviewMappingRequest } from "./PreviewMappingRequest";
import type { PreviewMappingView } from "./PreviewMappingView";
import type { ProbeRequest } from "./ProbeRequest";
import type { ProbeView } from "./ProbeView";
import type { RawView } from "./RawView";
import type { ResourceRequest } from "./ResourceRequest";
import type { RevisionRequest } from "./RevisionRequest";
import type { RuledView } from "./RuledView";
import type { SaveMappingRequest } from "./SaveMappingRequest";
import type { SaveRequest } from "./SaveRequest";
import type { SaveSchemaRequest } from "./SaveSchemaRequest";
import type { SchedulesView } from "./SchedulesView";
import type { SchemaRequest } from "./SchemaRequest";
import type { SchemaSaved } from "./SchemaSaved";
import type { SchemaText } from "./SchemaText";
import type { SchemasView } from "./SchemasView";
import type { SearchRequest } from "./SearchRequest";
import type { SearchView } from "./SearchView";
import type { SettingsRequest } from "./SettingsRequest";
import type { SettingsView } from "./SettingsView";
import type { SettleRequest } from "./SettleRequest";
import type { SettleView } from "./SettleView";
import type { SettledView } from "./SettledView";
import type { StatusView } from "./StatusView";
import type { TaskRequest } from "./TaskRequest";
import type { TaskView } from "./TaskView";
import type { TextView } from "./TextView";
import type { TimelineRequest } from "./TimelineRequest";
import type { TimelineView } from "./TimelineView";
import type { UndoRequest } from "./UndoRequest";
import type { Topic } from "./Topic";

export type Commands = {
  status: [Nothing, StatusView];
  inbox: [Nothing, InboxView];
  escalation: [EscalationRequest, EscalationView];
  finding: [FindingRequest, FindingView];
  decide: [DecideRequest, DecisionView];
  undoDecision: [UndoRequest, Nothing];
  acknowledgeAlteration: [UndoRequest, Nothing];
  actOnFinding: [FindingAction, SettledView];
  board: [BoardRequest, BoardView];
  task: [TaskRequest, TaskView];
  artifacts: [TaskRequest, ArtifactsView];
  artifactBody: [ArtifactBodyRequest, ArtifactBody];
  cancelTask: [TaskRequest, TextView];
  timeline: [TimelineRequest, TimelineView];
  exportTimeline: [ExportTimelineRequest, ExportView];
  ownership: [Nothing, OwnershipView];
  ruledBy: [ResourceRequest, RuledView];
  editDraft: [EditView, DraftView];
  saveDraft: [SaveRequest, OwnershipView];
  importOwnership: [ImportRequest, DraftView];
  exportOwnership: [ExportRequest, ExportView];
  ownershipVersion: [RevisionRequest, OwnershipView];
  restoreVersion: [RevisionRequest, DraftView];
  schemas: [Nothing, SchemasView];
  schema: [SchemaRequest, SchemaText];
  saveSchema: [SaveSchemaRequest, SchemaSaved];
  removeSchema: [SchemaRequest, SchemaSaved];
  limits: [Nothing, LimitsView];
  agents: [Nothing, AgentsView];
  schedules: [Nothing, SchedulesView];
  probe: [ProbeRequest, ProbeView];
  addEndpoint: [AddEndpointRequest, EndpointView];
  editEndpoint: [EditEndpointRequest, Nothing];
  removeEndpoint: [EndpointRequest, Nothing];
  mapping: [EndpointRequest, MappingView];
  previewMapping: [PreviewMappingRequest, PreviewMappingView];
  saveMapping: [SaveMappingRequest, Nothing];
  loginPlaces: [Nothing, LoginPlacesView];
  pollNow: [EndpointRequest, Nothing];
  rawAnswer: [EndpointRequest, RawView];
  discoverPlan: [Nothing, DiscoverPlan];
  discover: [DiscoverRequest, DiscoverView];
  startDemo: [Nothing, Nothing];
  leaveDemo: [Nothing, Nothing];
  deadLetters: [Nothing, LettersView];
  deadLetter: [LetterRequest, LetterView];
  draftLetter: [LetterDraft, LetterDraftView];
  actOnLetters: [LetterAction, LetterOutcomes];
  context: [Nothing, ContextView];
  contextDocument: [ContextRequest, ContextDocument];
  settleContext: [SettleRequest, SettleView];
  trustClock: [Nothing, Nothing];
  settings: [Nothing, SettingsView];
  saveSettings: [SettingsRequest, SettingsView];
  checkRecord: [Nothing, SettingsView];
  search: [SearchRequest, SearchView];
  openLink: [LinkRequest, Nothing];
  uiReady: [Nothing, Nothing];
};

export const topics: Record<keyof Commands, Topic[]> = {
  status: ["status"],
  inbox: ["inbox"],
  escalation: ["inbox"],
  finding: ["inbox", "limits", "letters"],
  decide: [],
  undoDecision: [],
  acknowledgeAlteration: [],
  actOnFinding: [],
  board: ["board"],
  task: ["board"],
  artifacts: ["board"],
  artifactBody: [],
  cancelTask: [],
  timeline: ["timeline"],
  exportTimeline: [],
  ownership: ["ownership"],
  ruledBy: ["ownership"],
  editDraft: [],
  saveDraft: [],
  importOwnership: [],
  exportOwnership: [],
  ownershipVersion: [],
  restoreVersion: [],
  schemas: ["ownership", "letters"],
  schema: ["ownership"],
  saveSchema: [],
  removeSchema: [],
  limits: ["limits"],
  agents: ["agents"],
  schedules: ["agents"],
  probe: [],
  addEndpoint: [],
  editEndpoint: [],
  removeEndpoint: [],
  mapping: ["agents"],
  previewMapping: [],
  saveMapping: [],
  loginPlaces: ["agents"],
  pollNow: [],
  rawAnswer: [],
  discoverPlan: [],
  discover: [],
  startDemo: [],
  leaveDemo: [],
  deadLetters: ["letters"],
  deadLetter: ["letters"],
  draftLetter: [],
  actOnLetters: [],
  context: ["context"],
  contextDocument: ["context"],
  settleContext: [],
  trustClock: [],
  settings: ["settings"],
  saveSettings: [],
  checkRecord: [],
  search: [],
  openLink: [],
  uiReady: [],
};
