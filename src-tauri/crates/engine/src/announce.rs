//! Tells screens what has become stale, after it was committed: the first change at once, the rest put together.
//!
//! Says topics, never contents: a screen asks again for what it shows.

use std::{collections::BTreeSet, time::Duration};

use domain::change::Change;
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, sleep_until},
};

use crate::api::views::{Changed, Topic};

/// At most four announcements a second while somebody looks.
pub const SEEN: Duration = Duration::from_millis(250);
/// One in five seconds while nobody does.
pub const HIDDEN: Duration = Duration::from_secs(5);

/// What a commit made stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    topics: BTreeSet<u8>,
}

/// All there are, in the order of [`Stale`]'s numbers.
pub const TOPICS: [Topic; 10] = [
    Topic::Inbox,
    Topic::Board,
    Topic::Ownership,
    Topic::Limits,
    Topic::Agents,
    Topic::Settings,
    Topic::Status,
    Topic::Letters,
    Topic::Context,
    Topic::Timeline,
];

impl From<&[Topic]> for Stale {
    fn from(topics: &[Topic]) -> Self {
        let mut stale = Self::default();
        topics.iter().for_each(|topic| stale.add(*topic));
        stale
    }
}

impl Stale {
    /// One topic more.
    pub fn add(&mut self, topic: Topic) {
        self.topics.insert(topic as u8);
    }

    /// What a change makes stale.
    pub fn add_change(&mut self, change: &Change) {
        let topics: &[Topic] = match change {
            Change::Agent(_) => &[Topic::Agents, Topic::Ownership],
            Change::Task(_) => &[Topic::Board, Topic::Agents, Topic::Context],
            Change::TaskMark(..) | Change::Handoff(_) => &[Topic::Board],
            Change::Access(_) => &[Topic::Ownership],
            Change::Quota(_) => &[Topic::Limits],
            Change::Escalation(_) | Change::Finding(_) => {
                &[Topic::Inbox, Topic::Board, Topic::Agents]
            }
            Change::Restated(_) => &[Topic::Inbox],
            Change::DeadLetter(_) | Change::DeadLetterCleared { .. } => {
                &[Topic::Agents, Topic::Inbox, Topic::Letters]
            }
            Change::Artifact(_) => &[Topic::Board],
            Change::Context(_) => &[Topic::Context],
            Change::Heard { .. } | Change::NotHeard { .. } => &[Topic::Agents, Topic::Board],
            Change::Schedule(_) => &[Topic::Agents, Topic::Limits],
            Change::Claim(_) => &[],
        };
        topics.iter().for_each(|topic| self.add(*topic));
        if !matches!(change, Change::Heard { .. } | Change::TaskMark(..)) {
            self.add(Topic::Timeline);
        }
        self.add(Topic::Status);
    }

    /// Puts two together.
    pub fn merge(&mut self, other: Self) {
        self.topics.extend(other.topics);
    }

    /// Whether there is anything to say.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// The topics, in their order.
    pub fn topics(&self) -> Vec<Topic> {
        self.topics
            .iter()
            .filter_map(|number| TOPICS.get(usize::from(*number)).copied())
            .collect()
    }
}

/// Takes what became stale and announces it until the senders are gone. `gap` is how far announcements are apart.
pub async fn announce(
    mut stale: mpsc::UnboundedReceiver<(Stale, u64)>,
    gap: watch::Receiver<Duration>,
    announced: broadcast::Sender<Changed>,
) {
    let mut free_at = Instant::now();
    while let Some((mut pending, mut revision)) = stale.recv().await {
        // What comes before the next announcement is due goes with it.
        loop {
            tokio::select! {
                biased;
                more = stale.recv() => match more {
                    Some((more, later)) => {
                        pending.merge(more);
                        revision = later;
                    }
                    None => break,
                },
                () = sleep_until(free_at) => break,
            }
        }
        if !pending.is_empty() {
            // Nobody listens when there is no window.
            let _ = announced.send(Changed {
                topics: pending.topics(),
                revision,
            });
        }
        free_at = Instant::now() + *gap.borrow();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(topic: Topic) -> Stale {
        let mut stale = Stale::default();
        stale.add(topic);
        stale
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_change_goes_out_at_once_and_the_rest_together() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (_gap, gap) = watch::channel(SEEN);
        let (announced, mut heard) = broadcast::channel(8);
        tokio::spawn(announce(receiver, gap, announced));
        let begin = Instant::now();
        sender.send((only(Topic::Board), 1)).expect("sent");
        let first = heard.recv().await.expect("announced");
        assert_eq!((first.topics, first.revision), (vec![Topic::Board], 1));
        assert_eq!(begin.elapsed(), Duration::ZERO);
        for (topic, revision) in [(Topic::Limits, 2), (Topic::Inbox, 3), (Topic::Limits, 4)] {
            sender.send((only(topic), revision)).expect("sent");
        }
        let second = heard.recv().await.expect("announced");
        assert_eq!(
            (second.topics, second.revision),
            (vec![Topic::Inbox, Topic::Limits], 4)
        );
        assert_eq!(begin.elapsed(), SEEN);
    }

    #[test]
    fn topics_are_found_again_by_their_numbers() {
        for topic in TOPICS {
            assert_eq!(only(topic).topics(), [topic]);
        }
    }
}
