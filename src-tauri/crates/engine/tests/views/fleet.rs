//! A fleet in a real file for views to be made from; the clock stands still. Says nothing of what views are to say.

use chrono::DateTime;
use domain::{change::Change, time::Time};
use engine::{
    api::wording::Glance,
    live::{Present, Pulse},
};
use store::{Store, apply_all, tables};

pub(crate) fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

pub(crate) struct Fleet {
    _dir: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) present: Present,
}

/// Endpoints that answer, each with its kind and what it can do, and what happened there.
pub(crate) fn fleet_of(endpoints: &[(&str, &str, &str)], changes: Vec<Change>) -> Fleet {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), at(0)).unwrap();
    let mut present = Present::default();
    for (id, kind, can) in endpoints {
        let row = tables::endpoints::EndpointRow {
            id: (*id).into(),
            name: (*id).to_owned(),
            kind: (*kind).to_owned(),
            url: "http://127.0.0.1:9".to_owned(),
            credential: "none".to_owned(),
            paused: false,
            capabilities: vec![(*can).to_owned()],
            warnings: vec![],
            added_at: at(0),
        };
        store
            .write(move |tx| tables::endpoints::put(tx, &row))
            .unwrap();
        let pulse = Pulse {
            answer: Some(Ok(())),
            last_good_at: Some(at(0)),
            ..Pulse::default()
        };
        present.endpoints.insert((*id).into(), pulse);
    }
    store.write(move |tx| apply_all(tx, &changes)).unwrap();
    Fleet {
        _dir: dir,
        store,
        present,
    }
}

impl Fleet {
    pub(crate) fn see<T>(
        &self,
        seconds: i64,
        view: impl FnOnce(Glance<'_>) -> store::Result<T>,
    ) -> T {
        self.store
            .read(|reader| {
                view(Glance {
                    reader,
                    present: &self.present,
                    now: at(seconds),
                })
            })
            .unwrap()
    }
}
