//! Adding, changing and removing endpoints with their logins: which login goes with which address, and where it is kept.
//!
//! A login is kept before the endpoint is stored and forgotten after it is not: what is stored always has its login.

use std::time::Duration;

use agents::Credential;
use domain::ids::EndpointId;
use store::tables::endpoints::{self, EndpointRow};
use tokio::time::timeout;

use super::{
    ApiError,
    call::blocking,
    endpoint,
    views::{AddEndpointRequest, EditEndpointRequest, LoginPlace, LoginPlacesView},
};
use crate::{
    clock::wall,
    engine::Engine,
    owner::Ask,
    secrets::{self, Place, Reference},
};

/// How long a person waits for a login to be forgotten; a keychain that is slow goes on by itself.
const FORGET: Duration = Duration::from_secs(3);

/// What is asked for the login.
enum Change {
    Keep,
    Drop,
    New(Credential),
}

fn change(token: Option<String>, basic: Option<String>) -> Change {
    let is_said = token.is_some() || basic.is_some();
    match (endpoint::credential(token, basic), is_said) {
        (Some(credential), _) => Change::New(credential),
        (None, true) => Change::Drop,
        (None, false) => Change::Keep,
    }
}

fn place(word: Option<&str>) -> Result<Option<Place>, ApiError> {
    word.map(|word| {
        Place::read(word).ok_or_else(|| {
            ApiError::new(
                "invalid",
                "Logins cannot be kept there; choose another place.",
            )
        })
    })
    .transpose()
}

/// Adds an endpoint after it said what it is; its id.
pub(super) async fn add(
    engine: &Engine,
    request: AddEndpointRequest,
) -> Result<EndpointId, ApiError> {
    let place = place(request.keep.as_deref())?;
    let credential = endpoint::credential(request.token, request.basic);
    let url = endpoint::address(&request.url)?;
    let found = endpoint::identify(&url, credential.as_ref()).await?;
    let (store, name) = (engine.store().clone(), request.name);
    let mut row = blocking(move || {
        Ok(store.read(|reader| endpoint::row(reader, &name, &url, &found, wall()))?)
    })
    .await?;
    if let Some(credential) = &credential {
        let kept = engine.secrets().keep(place, &row.url, credential).await?;
        row.credential = kept.to_string();
    }
    let id = row.id.clone();
    put(engine, row, secrets::NONE).await?;
    Ok(id)
}

/// Changes an endpoint.
pub(super) async fn edit(engine: &Engine, request: EditEndpointRequest) -> Result<(), ApiError> {
    let place = place(request.keep.as_deref())?;
    let mut row = known(engine, request.endpoint).await?;
    let before = row.credential.clone();
    if let Some(name) = request.name.filter(|name| !name.trim().is_empty()) {
        row.name = name.trim().to_owned();
    }
    row.paused = request.paused.unwrap_or(row.paused);
    let url = request.url.filter(|url| *url != row.url);
    let url = url.map(|url| endpoint::address(&url)).transpose()?;
    let url = url.filter(|url| *url != row.url);
    let is_elsewhere = url
        .as_deref()
        .is_some_and(|url| secrets::origin(url) != secrets::origin(&row.url));
    let moves =
        Reference::read(&before).is_some_and(|known| place.is_some_and(|to| to != known.place));
    let (credential, is_new) = match change(request.token, request.basic) {
        Change::New(credential) => (Some(credential), true),
        Change::Drop => (None, true),
        // It belongs to the address it was entered for.
        Change::Keep if is_elsewhere => (None, true),
        Change::Keep if url.is_some() || moves => {
            let kept = engine.secrets().of(&before, &row.url).await;
            let kept = kept.map_err(|error| ApiError::new("invalid", endpoint::because(&error)))?;
            (kept, moves)
        }
        Change::Keep => (None, false),
    };
    if let Some(url) = url {
        let found = endpoint::identify(&url, credential.as_ref()).await?;
        endpoint::describe(&mut row, &url, &found);
    }
    if is_new {
        row.credential = match &credential {
            Some(credential) => {
                let kept = engine.secrets().keep(place, &row.url, credential).await?;
                kept.to_string()
            }
            None => secrets::NONE.to_owned(),
        };
    }
    put(engine, row, &before).await
}

/// Removes an endpoint and forgets its login.
pub(super) async fn remove(engine: &Engine, id: EndpointId) -> Result<(), ApiError> {
    let row = known(engine, id.clone()).await.ok();
    engine.ask(|reply| Ask::Remove(id, reply)).await?;
    if let Some(row) = row {
        forget(engine, row.credential).await;
    }
    Ok(())
}

pub(super) async fn known(engine: &Engine, id: EndpointId) -> Result<EndpointRow, ApiError> {
    let store = engine.store().clone();
    let row = blocking(move || Ok(store.read(|reader| endpoints::get(reader, &id))?)).await?;
    row.ok_or_else(|| ApiError::new("missing", "There is no such endpoint."))
}

/// Stores the row; of the login it had and the one it has now, the one that is of no use is forgotten.
async fn put(engine: &Engine, row: EndpointRow, before: &str) -> Result<(), ApiError> {
    let now = row.credential.clone();
    let done = engine.ask(|reply| Ask::Put(row, reply)).await;
    if now != before {
        let useless = if done.is_ok() { before.to_owned() } else { now };
        forget(engine, useless).await;
    }
    done
}

async fn forget(engine: &Engine, credential: String) {
    let secrets = engine.secrets().clone();
    let forgetting = tokio::spawn(async move { secrets.forget(&credential).await });
    // It goes on by itself.
    let _ = timeout(FORGET, forgetting).await;
}

/// Where logins can be kept, and how many are where.
pub(super) async fn places(engine: &Engine) -> Result<LoginPlacesView, ApiError> {
    let secrets = engine.secrets();
    let why = secrets.without_keychain().await;
    let store = engine.store().clone();
    let rows = blocking(move || Ok(store.read(endpoints::list)?)).await?;
    let places = Place::ALL.map(|place| {
        let (name, hint, offered) = match place {
            Place::Keychain => (
                "In this computer's keychain",
                "Encrypted by your system, which may ask you to unlock it.",
                why.is_none(),
            ),
            Place::Session => (
                "Until Mission Control is closed",
                "Only in memory; you enter it again after each start.",
                true,
            ),
            Place::File => (
                "In a file, unencrypted",
                "Only your account can read it, but so can every program you run.",
                secrets.has_files(),
            ),
        };
        let here = |row: &&EndpointRow| {
            Reference::read(&row.credential).is_some_and(|reference| reference.place == place)
        };
        LoginPlace {
            place: place.word().to_owned(),
            name: name.to_owned(),
            hint: hint.to_owned(),
            offered,
            kept: u32::try_from(rows.iter().filter(here).count()).unwrap_or(u32::MAX),
        }
    });
    Ok(LoginPlacesView {
        keychain: why.is_none(),
        sentence: match why {
            None => "Logins are kept in this computer's keychain.".to_owned(),
            Some(why) => format!("Logins cannot be kept in the keychain. {why}"),
        },
        places: places.to_vec(),
    })
}
