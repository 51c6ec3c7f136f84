// What the first run says: what will be asked before anything is asked, and that nothing is held back.
export const words = {
  title: "Which agents do you run?",
  lead: "Mission Control shows what they do, where they get in each other's way, and what waits for you.",
  look: "Look on this computer",
  lookLead: "You see which ports would be asked before any is.",
  lookShow: "Show the ports",
  address: "Add an address",
  addressLead: "An agent on this computer or elsewhere, by its web address.",
  demo: "Try the demo fleet",
  demoLead: "Five scripted agents that run into each other, in a store of their own. Nothing there is real, and leaving it deletes it.",
  demoStart: "Start the demo fleet",
  demoStarting: "Starting",
  watchOnly: "Watch only",
  watchOnlyMeans:
    "That is all this version does. It asks for status and shows it; it holds nothing back and changes nothing. An agent hears from you only when you answer one of its questions or ask it to cancel a task.",
  demoRuns: "The demo fleet runs",
  demoRunsLead: "Leaving it deletes its store. Your own agents and decisions are kept apart from it and stay.",
  demoLeave: "Leave the demo",
  later: "Go on without an agent",
  have: (count: number) => (count === 1 ? "1 endpoint is watched already." : `${count} endpoints are watched already.`),
  seeAgents: "See the agents",
};
