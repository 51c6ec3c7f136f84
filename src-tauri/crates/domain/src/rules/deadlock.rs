//! `deadlock`: tasks, claims and agents that wait for each other in a circle.
//!
//! Told when everyone in the circle has answered since it closed: it may have been broken already.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::double_booking::held;
use crate::{
    caps::{COMPARED, STEPS},
    fleet::{
        slots::{Said, Verdict},
        waits::Node,
        world::World,
    },
    ids::{AgentRef, EndpointId},
};

const RULE: &str = "deadlock";
pub(crate) const WITH_CLAIM: &[(&str, &str)] = &[
    ("release", "Release the youngest claim"),
    ("cancel", "Cancel one task"),
];
pub(crate) const WITHOUT: &[(&str, &str)] = &[("cancel", "Cancel one task")];

pub(crate) fn check(world: &World, said: &mut Said) {
    // A claim leads to all tasks of its holder; where the one it is for closes the circle, that is the one to tell.
    let told = circles(&graph(world, true));
    let within: BTreeSet<_> = told.iter().flatten().collect();
    let wide = circles(&graph(world, false));
    let wide = wide.iter().filter(|circle| {
        let apart = circle.iter().all(|node| !within.contains(node));
        apart && agents(world, circle).len() > 1
    });
    for circle in told.iter().chain(wide) {
        judge(world, circle, said);
    }
}

/// Whose tasks stand in a circle. An agent's own tasks may queue for each other's claims.
fn agents<'w>(world: &'w World, circle: &[Node]) -> BTreeSet<&'w AgentRef> {
    let entries = circle.iter().filter_map(|node| match node {
        Node::Task(task) => world.tasks.get(task),
        _ => None,
    });
    entries.map(|entry| &entry.seen.agent).collect()
}

fn judge(world: &World, circle: &[Node], said: &mut Said) {
    let mut endpoints: BTreeSet<&EndpointId> = BTreeSet::new();
    let mut verdict = Verdict::new(RULE, circle.iter().map(name).collect::<Vec<_>>().join(" "));
    let mut names = vec![];
    let mut claim_in_it = false;
    for node in circle {
        match node {
            Node::Task(task) => {
                endpoints.insert(&task.endpoint);
                if let Some(entry) = world.tasks.get(task) {
                    verdict = verdict.of_task(task, entry);
                    names.push(format!("{} of {}", task.task, entry.seen.agent.agent));
                }
            }
            Node::Claim(key) => {
                endpoints.insert(&key.0);
                claim_in_it = true;
                if let Some(claim) = world.claims.get(key) {
                    let resource = &claim.value.resource;
                    verdict = verdict.seen(&claim.seen);
                    verdict.resource.get_or_insert(resource.clone());
                    if let Some((_, Some(end))) = held(claim) {
                        said.due(end);
                    }
                }
            }
            Node::Holder(_) => {}
            Node::Agent(agent) => {
                endpoints.insert(&agent.endpoint);
                verdict = verdict.agent(agent);
                let tasks = world.live_of.get(agent).into_iter().flatten();
                for task in tasks.take(COMPARED) {
                    if let Some(entry) = world.tasks.get(task) {
                        verdict = verdict.evidence(&entry.seen.evidence);
                    }
                }
            }
        }
    }
    let closed = circle.iter().map(|node| world.waits_since(node)).max();
    let closed = closed.unwrap_or(world.now);
    let mut all = true;
    for endpoint in endpoints {
        all &= said.heard_since(world, endpoint, closed);
    }
    if !all {
        return;
    }
    said.push(
        verdict
            .says(match names.as_slice() {
                [one] => format!("{one} waits for itself."),
                [first @ .., last] => {
                    format!("{} and {last} wait for each other.", first.join(", "))
                }
                [] => return,
            })
            .offers(if claim_in_it { WITH_CLAIM } else { WITHOUT }),
    );
}

fn name(node: &Node) -> String {
    match node {
        Node::Task(task) => task.to_string(),
        Node::Claim((endpoint, claim)) => format!("claim:{endpoint}/{claim}"),
        Node::Agent(agent) | Node::Holder(agent) => {
            format!("agent:{}/{}", agent.endpoint, agent.agent)
        }
    }
}

type Graph = BTreeMap<Node, Vec<Node>>;

/// Everything reached from what waits.
fn graph(world: &World, narrow: bool) -> Graph {
    let mut graph = Graph::new();
    let mut open: Vec<_> = world.waiting.iter().cloned().map(Node::Task).collect();
    while let Some(node) = open.pop() {
        if graph.contains_key(&node) {
            continue;
        }
        let next = world.waits_for(&node, narrow);
        open.extend(next.iter().cloned());
        graph.insert(node, next);
    }
    prune(graph)
}

/// Takes away what waits for nothing, and then whoever waited only for that: circles stay, and who waits for one.
fn prune(mut graph: Graph) -> Graph {
    let mut behind: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
    let mut ahead: BTreeMap<Node, usize> = BTreeMap::new();
    for (node, next) in &graph {
        ahead.insert(node.clone(), next.len());
        for other in next {
            behind.entry(other.clone()).or_default().push(node.clone());
        }
    }
    let free = ahead.iter().filter(|(_, count)| **count == 0);
    let mut free: Vec<_> = free.map(|(node, _)| node.clone()).collect();
    while let Some(node) = free.pop() {
        graph.remove(&node);
        for waiter in behind.remove(&node).unwrap_or_default() {
            if let Some(count) = ahead.get_mut(&waiter) {
                *count -= 1;
                if *count == 0 {
                    free.push(waiter);
                }
            }
        }
    }
    graph
}

/// The shortest circle through each task that is in one, beginning at its first node. Where very much waits for each
/// other, the circles found so far have to do: one of them has to be broken first in any case.
fn circles(graph: &Graph) -> BTreeSet<Vec<Node>> {
    let mut found = BTreeSet::new();
    for part in parts(graph) {
        let part: BTreeSet<_> = part.into_iter().collect();
        let mut steps = STEPS;
        let tasks = part.iter().filter(|node| matches!(node, Node::Task(_)));
        for task in tasks {
            found.extend(shortest(graph, &part, task, &mut steps));
            if steps == 0 {
                break;
            }
        }
    }
    found
}

/// Nodes that can all be reached from each other, by what each says that waits (Tarjan 1972, without recursion).
fn parts(graph: &Graph) -> Vec<Vec<&Node>> {
    #[derive(Default)]
    struct Place {
        number: usize,
        lowest: usize,
        open: bool,
    }
    let mut places: BTreeMap<&Node, Place> = BTreeMap::new();
    let (mut open, mut found) = (vec![], vec![]);
    for root in graph.keys() {
        if places.contains_key(root) {
            continue;
        }
        let next = |node: &Node| graph.get(node).map_or(&[][..], Vec::as_slice).iter();
        let mut way = vec![(root, next(root))];
        let mut number = places.len();
        let place = |number| Place {
            number,
            lowest: number,
            open: true,
        };
        places.insert(root, place(number));
        open.push(root);
        while let Some((node, rest)) = way.last_mut() {
            let node = *node;
            let Some(to) = rest.next() else {
                way.pop();
                let lowest = places.get(node).map_or(0, |place| place.lowest);
                if let Some(place) = way.last().and_then(|(before, _)| places.get_mut(before)) {
                    place.lowest = place.lowest.min(lowest);
                }
                if places.get(node).is_some_and(|place| place.number == lowest) {
                    let mut part = vec![];
                    while let Some(member) = open.pop() {
                        if let Some(place) = places.get_mut(member) {
                            place.open = false;
                        }
                        part.push(member);
                        if member == node {
                            break;
                        }
                    }
                    found.push(part);
                }
                continue;
            };
            match places.get(to).map(|place| (place.open, place.number)) {
                Some((true, known)) => {
                    if let Some(place) = places.get_mut(node) {
                        place.lowest = place.lowest.min(known);
                    }
                }
                Some((false, _)) => {}
                None => {
                    let Some((to, after)) = graph.get_key_value(to) else {
                        continue;
                    };
                    number = places.len().max(number + 1);
                    places.insert(to, place(number));
                    open.push(to);
                    way.push((to, after.iter()));
                }
            }
        }
    }
    found
}

fn shortest(
    graph: &Graph,
    part: &BTreeSet<&Node>,
    start: &Node,
    steps: &mut usize,
) -> Option<Vec<Node>> {
    let mut from: BTreeMap<&Node, &Node> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    let mut seen: BTreeSet<&Node> = BTreeSet::new();
    while let Some(node) = open.pop_front() {
        // Who holds a claim is no step of its own: his tasks stand in the place of it, once.
        let next = graph.get(node).into_iter().flatten();
        let next = next.flat_map(|next| match next {
            Node::Holder(_) if !seen.insert(next) => &[],
            Node::Holder(_) => graph.get(next).map_or(&[][..], Vec::as_slice),
            _ => std::slice::from_ref(next),
        });
        for next in next.filter(|next| part.contains(next)) {
            *steps = steps.saturating_sub(1);
            if *steps == 0 {
                return None;
            }
            if next == start {
                let mut circle = vec![node.clone()];
                let mut at = node;
                while at != start {
                    at = from.get(at)?;
                    circle.push(at.clone());
                }
                circle.reverse();
                let first = circle.iter().enumerate().min_by_key(|(_, node)| *node);
                let first = first.map_or(0, |(index, _)| index);
                circle.rotate_left(first);
                return Some(circle);
            }
            if !from.contains_key(next) {
                from.insert(next, node);
                open.push_back(next);
            }
        }
    }
    None
}
