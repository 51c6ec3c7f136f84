//! The screens' way in: one object that answers every command of the list, over the engine that is shown now.
//!
//! The demo fleet runs beside the real one, in a folder of its own; screens see one of the two. Nothing is decided here.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use chrono::TimeDelta;
use domain::ids::{DecisionId, TaskRef};
use serde_json::Value;
use store::{Reader, Store, Tx, tables::endpoints};
use tokio::sync::{broadcast, mpsc};

use super::{
    ApiError, agents as agent_views, artifacts, board, commands::camel, context, endpoint,
    escalation, finding, inbox, letters, limits, logins, mapping, ownership, remedy, schedules,
    schemas, search, settings, status, timeline, views::*, watched, wording::Glance,
};
use crate::{
    clock::wall,
    connect::DEMO,
    demo::{self, script::Script},
    engine::Engine,
    journal::Happened,
    live::Present,
    owner::{Ask, kept},
};

/// What is stale when another fleet is shown, or when it is not known what was missed.
pub use crate::announce::TOPICS as EVERYTHING;

/// Within the data folder.
const DEMO_FOLDER: &str = "demo";

type Answer<T> = Result<T, ApiError>;

/// Opens an address outside, when the person asked for it.
pub type Opener = dyn Fn(&str) -> std::io::Result<()> + Send + Sync;

/// What the screens talk to. Clones share it.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    real: Engine,
    demo: RwLock<Option<Engine>>,
    changed: broadcast::Sender<Changed>,
    webkit_version: Option<String>,
    opener: Box<Opener>,
}

macro_rules! dispatch {
    ($($name:ident: $request:ident => $answer:ident [$($topic:ident)*];)*) => {
        impl Api {
            /// Answers a command by its name on the wire, with JSON for JSON.
            pub async fn call(&self, name: &str, payload: Value) -> Answer<Value> {
                $(if name == camel(stringify!($name)) {
                    let request: $request = serde_json::from_value(payload).map_err(|error| {
                        ApiError::new("invalid", format!("The request cannot be read: {error}."))
                    })?;
                    let answer: $answer = self.$name(request).await?;
                    return serde_json::to_value(answer)
                        .map_err(|_| ApiError::new("store", "The answer cannot be written."));
                })*
                Err(ApiError::new("missing", "There is no such command."))
            }
        }
    };
}
super::commands::with_commands!(dispatch);

impl Api {
    /// Starts the engine on the folder. `opener` opens web addresses; `webkit_version` is known to a window only. Must be
    /// called within a tokio runtime.
    pub fn open(
        dir: &Path,
        webkit_version: Option<String>,
        opener: Box<Opener>,
    ) -> store::Result<Self> {
        Ok(Self::over(Engine::start(dir)?, dir, webkit_version, opener))
    }

    /// The same without a window: everything that happens is told from the first moment on, and nothing is opened.
    pub fn open_told(dir: &Path, listener: mpsc::UnboundedSender<Happened>) -> store::Result<Self> {
        let refuse = |_: &str| Err(std::io::Error::other("there is no window"));
        let engine = Engine::start_told(dir, listener)?;
        Ok(Self::over(engine, dir, None, Box::new(refuse)))
    }

    fn over(real: Engine, dir: &Path, webkit_version: Option<String>, opener: Box<Opener>) -> Self {
        let (changed, _) = broadcast::channel(64);
        let api = Self {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                real: real.clone(),
                demo: RwLock::new(None),
                changed,
                webkit_version,
                opener,
            }),
        };
        api.forward(&real);
        api
    }

    /// Where the real fleet is kept.
    #[cfg(test)]
    pub(crate) fn store(&self) -> &Store {
        self.inner.real.store()
    }

    /// Hears what became stale.
    pub fn changed(&self) -> broadcast::Receiver<Changed> {
        self.inner.changed.subscribe()
    }

    /// Whether somebody looks.
    pub fn seen(&self, seen: bool) {
        self.inner.real.seen(seen);
        if let Some(demo) = self.demo() {
            demo.seen(seen);
        }
    }

    /// Ends the engine in order. Blocks, two seconds at most for each fleet.
    pub fn end(&self) {
        if let Some(demo) = self.demo() {
            demo.end();
        }
        self.inner.real.end();
    }

    fn demo(&self) -> Option<Engine> {
        self.inner
            .demo
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn shown(&self) -> Engine {
        self.demo().unwrap_or_else(|| self.inner.real.clone())
    }

    /// Passes on what an engine announces while it is the one that is shown.
    fn forward(&self, engine: &Engine) {
        // Weak, so that listening does not keep an ended engine, and with it its folder.
        let (api, name, live) = (
            Arc::downgrade(&self.inner),
            engine.name(),
            engine.live().clone(),
        );
        let mut heard = engine.changed();
        tokio::spawn(async move {
            loop {
                let changed = match heard.recv().await {
                    Ok(changed) => changed,
                    Err(broadcast::error::RecvError::Lagged(_)) => Changed {
                        topics: EVERYTHING.to_vec(),
                        revision: live.read().revision,
                    },
                    Err(broadcast::error::RecvError::Closed) => return,
                };
                let Some(inner) = api.upgrade() else { return };
                let api = Self { inner };
                if api.shown().name() == name {
                    // No window, nobody to tell.
                    let _ = api.inner.changed.send(changed);
                }
            }
        });
    }

    /// Builds a view from one moment of the store, on a thread that may block.
    async fn look<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Engine, &Reader, &Present) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let engine = self.shown();
        blocking(move || {
            let present = engine.live().read().clone();
            engine
                .store()
                .read(|reader| Ok(view(&engine, reader, &present)))?
        })
        .await
    }

    /// The same for views made from a glance.
    async fn glance<T: Send + 'static>(
        &self,
        view: impl FnOnce(Glance<'_>) -> store::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.look(move |_, reader, present| {
            let now = wall();
            Ok(view(Glance {
                reader,
                present,
                now,
            })?)
        })
        .await
    }

    /// Changes something that only screens know of (drafts), and tells the screens.
    async fn change<T: Send + 'static>(
        &self,
        topic: Topic,
        change: impl FnOnce(&Tx<'_>, &Present) -> store::Result<Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        let engine = self.shown();
        blocking(move || {
            let present = engine.live().read().clone();
            let answer = engine.store().write(move |tx| change(tx, &present))??;
            engine.announce(vec![topic]);
            Ok(answer)
        })
        .await
    }

    async fn status(&self, _: Nothing) -> Answer<StatusView> {
        let demo = self.demo().is_some();
        self.look(move |engine, reader, present| {
            let glance = Glance {
                reader,
                present,
                now: wall(),
            };
            Ok(status::status(glance, engine.store(), demo)?)
        })
        .await
    }

    async fn inbox(&self, _: Nothing) -> Answer<InboxView> {
        self.glance(inbox::inbox).await
    }

    async fn escalation(&self, request: EscalationRequest) -> Answer<EscalationView> {
        let view = self
            .glance(move |glance| escalation::escalation(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "There is no such question any more."))
    }

    async fn finding(&self, request: FindingRequest) -> Answer<FindingView> {
        let view = self
            .glance(move |glance| finding::finding(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "There is no such finding."))
    }

    async fn decide(&self, request: DecideRequest) -> Answer<DecisionView> {
        self.shown().ask(|reply| Ask::Decide(request, reply)).await
    }

    async fn undo_decision(&self, request: UndoRequest) -> Answer<Nothing> {
        let id = DecisionId::from(request.decision_id.as_str());
        self.done(|reply| Ask::Undo(id, reply)).await
    }

    async fn acknowledge_alteration(&self, request: UndoRequest) -> Answer<Nothing> {
        let id = DecisionId::from(request.decision_id.as_str());
        self.done(|reply| Ask::Acknowledge(id, reply)).await
    }

    async fn act_on_finding(&self, action: FindingAction) -> Answer<SettledView> {
        remedy::act(&self.shown(), action).await
    }

    async fn board(&self, request: BoardRequest) -> Answer<BoardView> {
        self.glance(move |glance| board::board(glance, &request))
            .await
    }

    async fn task(&self, request: TaskRequest) -> Answer<TaskView> {
        let view = self
            .glance(move |glance| board::task(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "There is no such task."))
    }

    async fn artifacts(&self, request: TaskRequest) -> Answer<ArtifactsView> {
        self.glance(move |glance| artifacts::of_task(glance, &request))
            .await
    }

    async fn artifact_body(&self, request: ArtifactBodyRequest) -> Answer<ArtifactBody> {
        let view = self
            .glance(move |glance| artifacts::body(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "Its content is not kept here."))
    }

    async fn cancel_task(&self, request: TaskRequest) -> Answer<TextView> {
        let task = TaskRef {
            endpoint: request.endpoint,
            task: request.task.as_str().into(),
        };
        let text = remedy::cancel(&self.shown(), task).await?;
        Ok(TextView { text })
    }

    async fn timeline(&self, request: TimelineRequest) -> Answer<TimelineView> {
        self.glance(move |glance| timeline::timeline(glance, &request))
            .await
    }

    async fn export_timeline(&self, request: ExportTimelineRequest) -> Answer<ExportView> {
        let folder = self.inner.dir.join("exports");
        self.look(move |_, reader, present| {
            let now = wall();
            let glance = Glance {
                reader,
                present,
                now,
            };
            let view = timeline::export(glance, &request)?;
            if request.save {
                ownership::write_export(&folder, view)
            } else {
                Ok(view)
            }
        })
        .await
    }

    async fn ownership(&self, _: Nothing) -> Answer<OwnershipView> {
        self.look(|_, reader, present| ownership::view(reader, wall(), present))
            .await
    }

    async fn ruled_by(&self, request: ResourceRequest) -> Answer<RuledView> {
        self.look(move |_, reader, _| ownership::ruled_by(reader, &request.resource))
            .await
    }

    async fn edit_draft(&self, request: EditView) -> Answer<DraftView> {
        self.change(Topic::Ownership, move |tx, present| {
            ownership::edit(tx, wall(), present, &request)
        })
        .await
    }

    async fn save_draft(&self, request: SaveRequest) -> Answer<OwnershipView> {
        self.done(|reply| Ask::Save(request, reply)).await?;
        self.ownership(Nothing {}).await
    }

    async fn import_ownership(&self, request: ImportRequest) -> Answer<DraftView> {
        self.change(Topic::Ownership, move |tx, present| {
            ownership::import(tx, wall(), present, &request)
        })
        .await
    }

    async fn export_ownership(&self, request: ExportRequest) -> Answer<ExportView> {
        let folder = self.inner.dir.join("exports");
        self.look(move |_, reader, _| {
            let view = ownership::export(reader, &request)?;
            if request.save {
                ownership::write_export(&folder, view)
            } else {
                Ok(view)
            }
        })
        .await
    }

    async fn ownership_version(&self, request: RevisionRequest) -> Answer<OwnershipView> {
        self.look(move |_, reader, present| ownership::version(reader, wall(), present, &request))
            .await
    }

    async fn restore_version(&self, request: RevisionRequest) -> Answer<DraftView> {
        self.change(Topic::Ownership, move |tx, present| {
            ownership::restore(tx, wall(), present, &request)
        })
        .await
    }

    async fn schemas(&self, _: Nothing) -> Answer<SchemasView> {
        self.glance(schemas::schemas).await
    }

    async fn schema(&self, request: SchemaRequest) -> Answer<SchemaText> {
        let view = self
            .glance(move |glance| schemas::text(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "There is no such schema."))
    }

    async fn save_schema(&self, request: SaveSchemaRequest) -> Answer<SchemaSaved> {
        let (name, text) = (request.name, Some(request.text));
        self.shown()
            .ask(|reply| Ask::Schema(name, text, reply))
            .await
    }

    async fn remove_schema(&self, request: SchemaRequest) -> Answer<SchemaSaved> {
        let name = request.name;
        self.shown()
            .ask(|reply| Ask::Schema(name, None, reply))
            .await
    }

    async fn limits(&self, _: Nothing) -> Answer<LimitsView> {
        self.glance(limits::limits).await
    }

    async fn agents(&self, _: Nothing) -> Answer<AgentsView> {
        self.glance(agent_views::agents).await
    }

    async fn probe(&self, request: ProbeRequest) -> Answer<ProbeView> {
        let credential = endpoint::credential(request.token, request.basic);
        let mut report = endpoint::probe(&request.url, credential.clone()).await;
        if report.identified {
            let (url, kind) = (
                endpoint::polled(&request.url, &report)?,
                report.kind.clone(),
            );
            let shown = watched::shown(&url, &kind, credential).await;
            let watched = self.look(move |_, reader, _| {
                Ok(watched::watched(reader, &url, &kind, shown.as_ref())?)
            });
            report.watched = watched.await?;
        }
        Ok(report)
    }

    async fn add_endpoint(&self, request: AddEndpointRequest) -> Answer<EndpointView> {
        let id = logins::add(&self.shown(), request).await?;
        let view = self
            .glance(move |glance| match endpoints::get(glance.reader, &id)? {
                Some(row) => agent_views::endpoint(glance, row).map(Some),
                None => Ok(None),
            })
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "It was removed meanwhile."))
    }

    async fn edit_endpoint(&self, request: EditEndpointRequest) -> Answer<Nothing> {
        logins::edit(&self.shown(), request).await?;
        Ok(Nothing {})
    }

    async fn remove_endpoint(&self, request: EndpointRequest) -> Answer<Nothing> {
        logins::remove(&self.shown(), request.endpoint).await?;
        Ok(Nothing {})
    }

    async fn mapping(&self, request: EndpointRequest) -> Answer<MappingView> {
        mapping::saved(&self.shown(), request.endpoint).await
    }

    async fn preview_mapping(&self, request: PreviewMappingRequest) -> Answer<PreviewMappingView> {
        mapping::preview(&self.shown(), request).await
    }

    async fn save_mapping(&self, request: SaveMappingRequest) -> Answer<Nothing> {
        mapping::save(&self.shown(), request).await?;
        Ok(Nothing {})
    }

    async fn login_places(&self, _: Nothing) -> Answer<LoginPlacesView> {
        logins::places(&self.shown()).await
    }

    async fn poll_now(&self, request: EndpointRequest) -> Answer<Nothing> {
        self.done(|reply| Ask::Poll(request.endpoint, reply)).await
    }

    async fn trust_clock(&self, _: Nothing) -> Answer<Nothing> {
        self.done(Ask::TrustClock).await
    }

    async fn raw_answer(&self, request: EndpointRequest) -> Answer<RawView> {
        self.glance(move |glance| Ok(agent_views::raw(glance, &request)))
            .await
    }

    async fn discover_plan(&self, _: Nothing) -> Answer<DiscoverPlan> {
        Ok(endpoint::plan())
    }

    async fn discover(&self, request: DiscoverRequest) -> Answer<DiscoverView> {
        endpoint::discover(&request.ports).await
    }

    async fn start_demo(&self, _: Nothing) -> Answer<Nothing> {
        if self.demo().is_some() {
            return Ok(Nothing {});
        }
        let dir = self.inner.dir.join(DEMO_FOLDER);
        let store = blocking(move || Ok(demo_store(&dir)?)).await?;
        // The story has begun when somebody looks: the first trouble is there, the rest happens before their eyes.
        let script = Script::new(wall() - TimeDelta::seconds(demo::HEAD_START));
        let engine = Engine::start_demo(store, script)?;
        self.forward(&engine);
        *self
            .inner
            .demo
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(engine.clone());
        engine.announce(EVERYTHING.to_vec());
        Ok(Nothing {})
    }

    async fn leave_demo(&self, _: Nothing) -> Answer<Nothing> {
        let demo = self
            .inner
            .demo
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(demo) = demo {
            let dir = self.inner.dir.join(DEMO_FOLDER);
            blocking(move || {
                demo.end();
                drop(demo);
                clear_away(&dir)?;
                Ok(())
            })
            .await?;
            self.inner.real.announce(EVERYTHING.to_vec());
        }
        Ok(Nothing {})
    }

    async fn dead_letters(&self, _: Nothing) -> Answer<LettersView> {
        self.glance(letters::letters).await
    }

    async fn dead_letter(&self, request: LetterRequest) -> Answer<LetterView> {
        let view = self
            .glance(move |glance| letters::letter(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "There is no such dead letter."))
    }

    async fn draft_letter(&self, request: LetterDraft) -> Answer<LetterDraftView> {
        self.look(move |_, reader, present| {
            let now = wall();
            let glance = Glance {
                reader,
                present,
                now,
            };
            letters::draft(glance, &request)
        })
        .await
    }

    async fn act_on_letters(&self, action: LetterAction) -> Answer<LetterOutcomes> {
        letters::act(&self.shown(), action).await
    }

    async fn schedules(&self, _: Nothing) -> Answer<SchedulesView> {
        self.glance(schedules::schedules).await
    }

    async fn context(&self, _: Nothing) -> Answer<ContextView> {
        self.glance(context::documents).await
    }

    async fn context_document(&self, request: ContextRequest) -> Answer<ContextDocument> {
        let view = self
            .glance(move |glance| context::document(glance, &request))
            .await?;
        view.ok_or_else(|| ApiError::new("missing", "There is no such document."))
    }

    async fn settle_context(&self, request: SettleRequest) -> Answer<SettleView> {
        context::settle(&self.shown(), request).await
    }

    async fn settings(&self, _: Nothing) -> Answer<SettingsView> {
        let webkit = self.inner.webkit_version.clone();
        self.look(move |engine, reader, present| {
            let view = settings::settings(reader, engine.store(), present, webkit)?;
            Ok(view)
        })
        .await
    }

    async fn check_record(&self, _: Nothing) -> Answer<SettingsView> {
        let engine = self.shown();
        blocking(move || {
            engine.check_now();
            Ok(())
        })
        .await?;
        self.settings(Nothing {}).await
    }

    async fn save_settings(&self, request: SettingsRequest) -> Answer<SettingsView> {
        self.done(|reply| Ask::Settings(Box::new(request), reply))
            .await?;
        self.settings(Nothing {}).await
    }

    async fn search(&self, request: SearchRequest) -> Answer<SearchView> {
        self.glance(move |glance| search::search(glance, &request))
            .await
    }

    async fn open_link(&self, request: LinkRequest) -> Answer<Nothing> {
        let link =
            domain::link::read(&request.url).map_err(|reason| ApiError::new("invalid", reason))?;
        let api = self.clone();
        blocking(move || {
            (api.inner.opener)(&link.url)
                .map_err(|_| ApiError::new("invalid", "No program opens web addresses here."))
        })
        .await?;
        Ok(Nothing {})
    }

    async fn ui_ready(&self, _: Nothing) -> Answer<Nothing> {
        Ok(Nothing {})
    }

    async fn done(
        &self,
        ask: impl FnOnce(tokio::sync::oneshot::Sender<Answer<()>>) -> Ask,
    ) -> Answer<Nothing> {
        self.shown().ask(ask).await?;
        Ok(Nothing {})
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApiError::new("store", "An internal error stopped this."))?
}

fn clear_away(dir: &Path) -> store::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(dir).map_err(|error| {
        store::Error::Folder(error, "the last demo could not be cleared away".to_owned())
    })
}

/// A new store with the scripted agents in it; the one of the last demo goes.
fn demo_store(dir: &Path) -> store::Result<Store> {
    clear_away(dir)?;
    let store = Store::open(dir, wall())?;
    let now = wall();
    store.write(move |tx| {
        for (agent, name) in demo::NAMES {
            let row = endpoints::EndpointRow {
                id: agent.into(),
                name: name.to_owned(),
                kind: DEMO.to_owned(),
                url: format!("demo:{agent}"),
                credential: "none".to_owned(),
                paused: false,
                capabilities: demo::ABILITIES.map(str::to_owned).to_vec(),
                warnings: vec![],
                added_at: now,
            };
            endpoints::put(tx, &row)?;
            kept::endpoint(tx, now, None, Some(&row))?;
        }
        if let Ok(mut document) = domain::ownership::text::read(demo::OWNERSHIP) {
            document.reviewed_at = Some(now);
            store::tables::ownership::save(tx, now, 0, &document, "The demo's first rules.")?;
        }
        Ok(())
    })?;
    Ok(store)
}
