//! How much of what an agent sends is taken. What is more is told as one dead letter for each list, never dropped in
//! silence, and costs no memory beyond that.
//!
//! Only the numbers and why they are what they are; each is kept where it is named.

/// Values of one JSON text that are taken apart, one for every two bytes of the largest item: a larger tree would cost
/// a hundred times the bytes it came in.
pub const VALUES: usize = ITEM_BYTES / 2;

/// Members of one object. Far more than any record has; maps from names to values belong into a list.
pub const MEMBERS: usize = 10_000;

/// Bytes of one item: a body at its limit of 1 MiB, and as much again for all else.
pub const ITEM_BYTES: usize = 2 * 1024 * 1024;

/// Items of one list in one answer, as the contract has it (section 8). A longer list comes in pages.
pub const ITEMS: usize = 10_000;

/// Items of a list within one item: what a task depends on, the options of a question, declared needs.
pub const ENTRIES: usize = 1_000;

/// Pieces of one command: a command line of 128 KiB, the most that common systems take by default, in short words.
pub const COMMAND: usize = 10_000;

/// What is wrong with one item, in so many places; the next is one too many to read.
pub const PROBLEMS: usize = 50;

/// Wildcards of one pattern. Real ones have one to three, and comparing two costs with the product.
pub const WILDCARDS: usize = 8;

/// Tasks of one endpoint that have not ended: fifty agents with fifty each.
pub const LIVE_TASKS: usize = 2_500;

/// What a task may refer to without being counted: other tasks and documents, beyond which a list is long.
pub const SHORT_LIST: usize = 10;

/// References of the tasks of one endpoint in long lists: each is kept from both sides.
pub const REFERENCES: usize = 20_000;

/// Claims of one endpoint that are held or waiting.
pub const LIVE_CLAIMS: usize = 1_000;

/// Those of them on patterns: each is compared with every other, and with whatever is used.
pub const PATTERN_CLAIMS: usize = 50;

/// Questions of one endpoint that wait for an answer: a person answers some hundred a day.
pub const QUESTIONS: usize = 1_000;

/// Schedules of one endpoint that are on.
pub const SCHEDULES: usize = 1_000;

/// Patterns of one list of declared needs: each is compared with whatever its agent writes.
pub const PATTERNS: usize = 50;

/// Patterns among the triggers that the agents of one endpoint declare, or will start on: each is compared with every other.
pub const PATTERN_NEEDS: usize = 100;

/// Triggers told of that the agents of two endpoints, or of one, can both start on by what they say themselves: whoever
/// declares more has mended nothing of these.
pub const OVERLAPS: usize = 100;

/// Limits that the agents of one endpoint tell of.
pub const LIMITS: usize = 1_000;

/// Windows of one limit that one agent tells of.
pub const WINDOWS: usize = 50;

/// Agents behind one endpoint.
pub const AGENTS: usize = 50;

/// Dead letters kept of one endpoint.
pub const LETTERS: usize = 1_000;

/// Claims of others that one claim, or one task, is compared with, of each agent its share: more of the same show nothing
/// else.
pub const RIVALS: usize = 32;

/// Tasks that work on one thing, or read one document, and are compared with each other: of every agent its share, and
/// the latest.
pub const COMPARED: usize = 64;

/// Steps in search of circles among things that all wait for each other.
pub const STEPS: usize = 20_000;

/// Names told by one endpoint that are known to have been told: three lists of the largest size. Those that are over and
/// no longer listed make room; beyond what is open and listed at once nothing is read.
pub const KNOWN: usize = 3 * ITEMS;
