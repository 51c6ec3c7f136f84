//! The mapping of a metrics page: what it gives now, and keeping it. Looking fetches the page once and changes nothing.

use agents::{
    Kind,
    quota::{
        self, Told,
        mapping::{self, Mapping},
    },
};
use domain::ids::EndpointId;
use store::tables::settings;

use super::{
    ApiError,
    call::blocking,
    endpoint, logins,
    views::{
        MappedWindow, MappingProblem, MappingView, MetricView, PreviewMappingRequest,
        PreviewMappingView, SampleView, SaveMappingRequest,
    },
    wording::{between, plain, span},
};
use crate::{
    clock::wall,
    connect::{mapping_name, word},
    engine::Engine,
    owner::{Ask, kept},
    secrets,
};

/// Metrics that are named for choosing; a page has seldom more.
const MOST: usize = 2000;

fn invalid(sentence: impl Into<String>) -> ApiError {
    ApiError::new("invalid", sentence)
}

/// The same words in both.
fn read(view: &MappingView) -> Result<Mapping, ApiError> {
    serde_json::to_value(view)
        .and_then(serde_json::from_value)
        .map_err(|_| invalid("The mapping cannot be read."))
}

fn shown(mapping: &Mapping) -> Result<MappingView, ApiError> {
    serde_json::to_value(mapping)
        .and_then(serde_json::from_value)
        .map_err(|_| invalid("The mapping cannot be read."))
}

/// What is saved for an endpoint; nothing at first.
pub(super) async fn saved(engine: &Engine, id: EndpointId) -> Result<MappingView, ApiError> {
    let store = engine.store().clone();
    let mapping: Option<Mapping> =
        blocking(move || Ok(store.read(|reader| settings::get(reader, &mapping_name(&id)))?))
            .await?;
    shown(&mapping.unwrap_or_default())
}

/// Saves a mapping and polls by it from now on.
pub(super) async fn save(engine: &Engine, request: SaveMappingRequest) -> Result<(), ApiError> {
    let wanted = read(&request.mapping)?;
    mapping::check(&wanted).map_err(|error| invalid(error.detail.unwrap_or_default()))?;
    let row = logins::known(engine, request.endpoint).await?;
    if row.kind != word(Kind::Prometheus) {
        return Err(invalid("Only a metrics page has a mapping."));
    }
    let (store, name) = (engine.store().clone(), mapping_name(&row.id));
    let (now, subject) = (wall(), row.id.clone());
    blocking(move || {
        store.write(move |tx| {
            let before: Option<Mapping> = settings::get(tx, &name)?;
            settings::set(tx, &name, &wanted)?;
            kept::change(tx, now, "mapping", subject.as_str(), &before, &wanted)
        })?;
        Ok(())
    })
    .await?;
    engine.ask(|reply| Ask::Put(row, reply)).await
}

/// What a mapping gives now.
pub(super) async fn preview(
    engine: &Engine,
    request: PreviewMappingRequest,
) -> Result<PreviewMappingView, ApiError> {
    let wanted = read(&request.mapping)?;
    let mut credential = endpoint::credential(request.token, request.basic);
    if let (None, Some(id)) = (&credential, request.endpoint) {
        let row = logins::known(engine, id).await?;
        // It belongs to the address it was entered for.
        if secrets::origin(&row.url) == secrets::origin(&request.url) {
            let kept = engine.secrets().of(&row.credential, &row.url).await;
            credential = kept.map_err(|error| invalid(endpoint::because(&error)))?;
        }
    }
    let found = quota::preview(request.url.trim(), credential.as_ref(), &wanted)
        .await
        .map_err(|error| ApiError::new("unreachable", endpoint::because(&error)))?;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let page = match (found.problems.first(), found.metrics.is_empty()) {
        (Some((line, reason)), _) => {
            Some(format!("Line {line} of the page cannot be read: {reason}"))
        }
        (None, true) => Some("The page has no metrics.".to_owned()),
        (None, false) => None,
    };
    let windows = found.outcome.found.into_iter().map(|found| MappedWindow {
        rule: number(found.rule),
        pool: plain(&pool(&found.told)),
        name: plain(&found.told.window.name),
        sentence: plain(&sentence(&found.told)),
        samples: found
            .from
            .into_iter()
            .map(|(field, sample)| SampleView {
                field: field.to_owned(),
                text: plain(&sample),
            })
            .collect(),
    });
    let problems = found.outcome.problems.into_iter();
    let metrics = found.metrics.into_iter().take(MOST);
    Ok(PreviewMappingView {
        windows: windows.collect(),
        problems: problems
            .map(|(rule, sentence)| MappingProblem {
                rule: number(rule),
                sentence: plain(&sentence),
            })
            .collect(),
        metrics: metrics
            .map(|(name, kind, samples)| MetricView {
                name: plain(&name),
                kind: plain(&kind),
                samples: number(samples),
            })
            .collect(),
        page,
    })
}

/// `provider/account/scope`, as limits are called everywhere.
fn pool(told: &Told) -> String {
    let pool = &told.pool;
    let parts = [
        Some(pool.provider.as_str()),
        pool.account.as_deref(),
        pool.scope.as_deref(),
    ];
    parts
        .map(Option::unwrap_or_default)
        .join("/")
        .trim_end_matches('/')
        .to_owned()
}

/// `40 of 100 requests left, begins anew in 3 minutes.`
fn sentence(told: &Told) -> String {
    let window = &told.window;
    let unit = window.unit.as_deref().map(|unit| format!(" {unit}"));
    let unit = unit.unwrap_or_default();
    let mut text = match (
        window.remaining,
        window.used,
        window.used_percent,
        window.limit,
    ) {
        (Some(left), _, _, Some(limit)) => format!("{left} of {limit}{unit} left"),
        (Some(left), _, _, None) => format!("{left}{unit} left, of an unknown limit"),
        (None, Some(used), _, Some(limit)) => format!("{used} of {limit}{unit} used"),
        (None, Some(used), _, None) => format!("{used}{unit} used, of an unknown limit"),
        (None, None, Some(percent), _) => format!("{percent} % used"),
        (None, None, None, _) => "nothing told".to_owned(),
    };
    if let Some(at) = window.reset_at {
        let seconds = between(told.observed_at, at);
        text.push_str(&if seconds > 0 {
            format!(", begins anew in {}", span(seconds))
        } else {
            ", its end is past".to_owned()
        });
    }
    text.push('.');
    text
}
