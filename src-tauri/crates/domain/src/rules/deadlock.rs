//! `deadlock`: tasks, claims and agents that wait for each other in a circle.
//!
//! Told when everyone in the circle has answered since it closed: it may have been broken already.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::double_booking::held;
use crate::{
    fleet::{
        slots::{Said, Verdict},
        waits::Node,
        world::World,
    },
    ids::{AgentRef, EndpointId},
};

const RULE: &str = "deadlock";
const WITH_CLAIM: &[(&str, &str)] = &[
    ("release", "Release the youngest claim"),
    ("cancel", "Cancel one task"),
];
const WITHOUT: &[(&str, &str)] = &[("cancel", "Cancel one task")];

pub(crate) fn check(world: &World, said: &mut Said) {
    // A claim leads to all tasks of its holder; where the one it is for closes the circle, that is the one to tell.
    let told: BTreeSet<_> = circles(&graph(world, true)).into_iter().collect();
    let within: BTreeSet<_> = told.iter().flatten().collect();
    let wide: BTreeSet<_> = circles(&graph(world, false)).into_iter().collect();
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
                    verdict.resource.get_or_insert(resource.to_string());
                    if let Some((_, Some(end))) = held(claim) {
                        said.due(end);
                    }
                }
            }
            Node::Agent(agent) => {
                endpoints.insert(&agent.endpoint);
                verdict = verdict.agent(agent);
                let tasks = world.live_of.get(agent).into_iter().flatten();
                for task in tasks {
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
        Node::Agent(agent) => format!("agent:{}/{}", agent.endpoint, agent.agent),
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

/// The shortest circle through each task that is in one, beginning at its first node.
fn circles(graph: &Graph) -> Vec<Vec<Node>> {
    let tasks = graph.keys().filter(|node| matches!(node, Node::Task(_)));
    tasks.filter_map(|task| shortest(graph, task)).collect()
}

fn shortest(graph: &Graph, start: &Node) -> Option<Vec<Node>> {
    let mut from: BTreeMap<&Node, &Node> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for next in graph.get(node).into_iter().flatten() {
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
