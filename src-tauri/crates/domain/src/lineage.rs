//! Which task comes after which: tasks put in the order of what they depend on.
//!
//! For showing only. Whether somebody began too early is a rule's business.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::TaskRef;

/// The task that a reference of another names: `taskId` of the same endpoint, or `endpointId/taskId`.
pub fn named(from: &TaskRef, reference: &str) -> [TaskRef; 2] {
    let own = TaskRef {
        endpoint: from.endpoint.clone(),
        task: reference.into(),
    };
    let (endpoint, task) = reference.split_once('/').unwrap_or(("", reference));
    let other = TaskRef {
        endpoint: endpoint.into(),
        task: task.into(),
    };
    [own, other]
}

/// Places of the tasks, each after all it depends on, else as they stood. Tasks that wait for each other in a circle stay
/// as they stood.
pub fn in_order(tasks: &[(TaskRef, &[String])]) -> Vec<usize> {
    let places: BTreeMap<&TaskRef, usize> = tasks.iter().map(|(task, _)| task).zip(0..).collect();
    let needs: Vec<Vec<usize>> = tasks
        .iter()
        .enumerate()
        .map(|(at, (task, depends_on))| {
            let found = |reference: &String| {
                let known = named(task, reference);
                known.iter().find_map(|name| places.get(name)).copied()
            };
            let needed = depends_on.iter().filter_map(found);
            needed.filter(|needed| *needed != at).collect()
        })
        .collect();
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![vec![]; tasks.len()];
    for (at, needs) in needs.iter().enumerate() {
        for needed in needs {
            if let Some(by) = needed_by.get_mut(*needed) {
                by.push(at);
            }
        }
    }
    // The first that is free comes next, so that what need not move stays; where all wait for each other, the first.
    let free = open.iter().enumerate().filter(|(_, open)| **open == 0);
    let mut free: BTreeSet<usize> = free.map(|(at, _)| at).collect();
    let mut left: BTreeSet<usize> = (0..tasks.len()).collect();
    let mut order = vec![];
    while let Some(at) = free.pop_first().or_else(|| left.first().copied()) {
        left.remove(&at);
        order.push(at);
        for by in needed_by.get(at).into_iter().flatten() {
            if let Some(open) = open.get_mut(*by) {
                *open -= 1;
                if *open == 0 && left.contains(by) {
                    free.insert(*by);
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn task(endpoint: &str, id: &str) -> TaskRef {
        TaskRef {
            endpoint: endpoint.into(),
            task: id.into(),
        }
    }

    #[test]
    fn what_is_needed_comes_first_and_the_rest_stays() {
        let needs = [
            vec!["b".to_owned()],
            vec![],
            vec!["host/a".to_owned()],
            vec![],
        ];
        let tasks = [
            (task("host", "a"), needs[0].as_slice()),
            (task("host", "x"), &needs[1]),
            (task("other", "c"), &needs[2]),
            (task("host", "b"), &needs[3]),
        ];
        assert_eq!(in_order(&tasks), [1, 3, 0, 2]);
    }

    #[test]
    fn a_circle_stays_as_it_stood() {
        let needs = [
            vec!["b".to_owned()],
            vec!["a".to_owned()],
            vec!["c".to_owned()],
        ];
        let tasks = [
            (task("e", "a"), needs[0].as_slice()),
            (task("e", "b"), &needs[1]),
            (task("e", "c"), &needs[2]),
        ];
        assert_eq!(in_order(&tasks), [2, 0, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn every_task_stands_once_and_after_what_it_needs(
            edges in proptest::collection::vec((0_usize..20, 0_usize..20), 0..60),
            number in 0_usize..20,
        ) {
            // From later to earlier numbers only, so that there is no circle; the tasks stand in another order.
            let mut needs: Vec<Vec<String>> = vec![vec![]; number];
            for (a, b) in edges {
                if a > b && a < number {
                    needs[a].push(if a % 2 == 0 { format!("t{b}") } else { format!("e/t{b}") });
                }
            }
            let mixed: Vec<usize> = (0..number).rev().collect();
            let tasks: Vec<_> = mixed.iter().map(|n| (task("e", &format!("t{n}")), needs[*n].as_slice())).collect();
            let order = in_order(&tasks);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..number).collect::<Vec<_>>());
            let place = |name: &str| {
                let name = name.trim_start_matches("e/");
                order.iter().position(|at| tasks[*at].0.task.as_str() == name).unwrap()
            };
            for (a, needed) in needs.iter().enumerate() {
                for b in needed {
                    let own = format!("t{a}");
                    prop_assert!(place(b) < place(&own));
                }
            }
        }
    }
}
