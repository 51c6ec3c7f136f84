//! The worst legal bodies an agent can answer with, by size: what each reader and each rule would like least.
//!
//! Used by every test that asks what an answer costs. It builds texts and knows nothing of how they are read.

#[path = "fleets.rs"]
mod fleets;

/// One kind of body: its name, and the documents an endpoint answers with, one after the other, each of about that many
/// bytes.
#[allow(dead_code)] // Not every test tells which it was.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// What is much of in it.
    pub(crate) name: &'static str,
    make: fn(usize) -> Vec<String>,
}

impl Kind {
    /// The answers, in the order of the polls.
    pub(crate) fn bodies(&self, bytes: usize) -> Vec<String> {
        (self.make)(bytes)
    }
}

/// All of them.
pub(crate) const KINDS: &[Kind] = &{
    let mut all = [OF_ONE[0]; OF_ONE.len() + fleets::KINDS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = match at < OF_ONE.len() {
            true => OF_ONE[at],
            false => fleets::KINDS[at - OF_ONE.len()],
        };
        at += 1;
    }
    all
};

/// Those that one agent or two send, in few answers.
const OF_ONE: &[Kind] = &[
    Kind {
        name: "members of one item",
        make: |b| one(&task(&many(b, ",", |n| format!("\"k{n}\":0")))),
    },
    Kind {
        name: "one member again and again",
        make: |b| one(&task(&many(b, ",", |_| "\"k\":0".into()))),
    },
    Kind {
        name: "members of the document",
        make: |b| one(&many(b, ",", |n| format!("\"k{n}\":0"))),
    },
    Kind {
        name: "lists that stand twice",
        make: |b| one(&many(b, ",", |_| "\"tasks\":[]".into())),
    },
    Kind {
        name: "objects within objects",
        make: |b| {
            one(&task(&many(b, ",", |n| {
                format!("\"k{n}\":{}1{}", "{\"a\":".repeat(40), "}".repeat(40))
            })))
        },
    },
    Kind {
        name: "nesting without end",
        make: |b| {
            one(&task(&format!(
                "\"k\":{}{}",
                "[".repeat(b / 2),
                "]".repeat(b / 2)
            )))
        },
    },
    Kind {
        name: "nesting over the limit, often",
        make: |b| {
            one(&format!(
                "\"tasks\":[{}]",
                many(b, ",", |n| format!(
                    "{{\"id\":\"t{n}\",\"k\":{}{}}}",
                    "[".repeat(110),
                    "]".repeat(110)
                ))
            ))
        },
    },
    Kind {
        name: "a long name around many values",
        make: |b| {
            one(&task(&format!(
                "\"{}\":[{}]",
                "k".repeat(b / 2),
                many(b / 2, ",", |_| "0".into())
            )))
        },
    },
    Kind {
        name: "a long name around many half characters",
        make: |b| {
            one(&task(&format!(
                "\"{}\":[{}]",
                "k".repeat(b / 2),
                many(b / 2, ",", |_| "\"\\ud800\"".into())
            )))
        },
    },
    Kind {
        name: "long names that are no text",
        make: |b| one(&task(&many(b, ",", |_| "\"\\ud800\":0".into()))),
    },
    Kind {
        name: "one long number",
        make: |b| {
            one(&format!(
                "\"tasks\":[{{\"id\":\"t\",\"title\":\"T\",\"status\":{{\"state\":\"working\"}},\"attempt\":{}}}],\"pollAfterSeconds\":1{}",
                "9".repeat(b / 2),
                "0".repeat(b / 2)
            ))
        },
    },
    Kind {
        name: "long numbers",
        make: |b| {
            one(&task(&format!(
                "\"progress\":{{\"done\":0.{}e-300}}",
                "1".repeat(b)
            )))
        },
    },
    Kind {
        name: "one long text",
        make: |b| one(&task(&format!("\"k\":\"{}\"", "ä".repeat(b / 2)))),
    },
    Kind {
        name: "one long title",
        make: |b| {
            one(&format!(
                "\"tasks\":[{{\"id\":\"t\",\"title\":\"{}\",\"status\":{{\"state\":\"working\"}}}}]",
                "x".repeat(b)
            ))
        },
    },
    Kind {
        name: "escapes",
        make: |b| one(&task(&format!("\"k\":\"{}\"", "\\u0041".repeat(b / 6)))),
    },
    Kind {
        name: "half characters",
        make: |b| {
            one(&task(&format!(
                "\"k\":[{}]",
                many(b, ",", |_| "\"\\ud800\"".into())
            )))
        },
    },
    Kind {
        name: "pairs of halves",
        make: |b| {
            one(&task(&format!(
                "\"k\":\"{}\"",
                "\\ud83d\\ude00".repeat(b / 12)
            )))
        },
    },
    Kind {
        name: "white space",
        make: |b| one(&format!("{}\"tasks\":[]", " \n".repeat(b / 2))),
    },
    Kind {
        name: "small values in an unknown member",
        make: |b| one(&format!("\"unknown\":[{}]", many(b, ",", |_| "1".into()))),
    },
    Kind {
        name: "empty objects in an unknown member",
        make: |b| one(&format!("\"unknown\":[{}]", many(b, ",", |_| "{}".into()))),
    },
    Kind {
        name: "items that are numbers",
        make: |b| {
            one(&format!(
                "\"tasks\":[{}],\"claims\":[{}]",
                many(b / 2, ",", |_| "1".into()),
                many(b / 2, ",", |n| n.to_string())
            ))
        },
    },
    Kind {
        name: "tasks",
        make: |b| one(&tasks(b, |n| format!("\"id\":\"t{n}\""))),
    },
    Kind {
        name: "tasks in their first attempt",
        make: |b| one(&tasks(b, |n| format!("\"id\":\"t{n}\",\"attempt\":1"))),
    },
    Kind {
        name: "tasks of one id",
        make: |b| one(&tasks(b, |n| format!("\"id\":\"t\",\"attempt\":{n}"))),
    },
    Kind {
        name: "tasks without an id",
        make: |b| one(&tasks(b, |n| format!("\"n\":{n}"))),
    },
    Kind {
        name: "bad tasks, others at every poll",
        make: |b| {
            (0..4)
                .map(|k| {
                    document(
                        "a",
                        &tasks(b / 4, |n| {
                            format!("\"id\":\"t{n}\",\"attempt\":-1,\"k\":{k}")
                        }),
                    )
                })
                .collect()
        },
    },
    Kind {
        name: "much that is wrong with one task",
        make: |b| {
            one(&task(&format!(
                "\"contextRefs\":[{}]",
                many(b, ",", |_| "0".into())
            )))
        },
    },
    Kind {
        name: "dependencies of one task",
        make: |b| {
            one(&task(&format!(
                "\"dependsOn\":[{}]",
                many(b, ",", |n| format!("\"d{n}\""))
            )))
        },
    },
    Kind {
        name: "tasks that each wait for the next",
        make: |b| {
            two(
                &tasks(b / 2, |n| {
                    format!(
                        "\"id\":\"t{n}\",\"waitingFor\":{{\"kind\":\"task\",\"ref\":\"t{}\"}}",
                        n + 1
                    )
                }),
                "\"tasks\":[]",
            )
        },
    },
    Kind {
        name: "tasks in one circle",
        make: |b| {
            let last = b / 2 / 120;
            two(
                &tasks(b / 2, |n| {
                    format!(
                        "\"id\":\"t{n}\",\"waitingFor\":{{\"kind\":\"task\",\"ref\":\"t{}\"}}",
                        if n < last { n + 1 } else { 0 }
                    )
                }),
                "\"tasks\":[]",
            )
        },
    },
    Kind {
        name: "tasks that depend on each other",
        make: |b| {
            one(&format!(
                "\"tasks\":[{}]",
                many(b, ",", |n| {
                    let on = many(400, ",", |k| format!("\"t{}\"", (n * 7 + k * 13) % 500));
                    format!(
                        "{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"submitted\"}},\"dependsOn\":[{on}]}}"
                    )
                })
            ))
        },
    },
    Kind {
        name: "tasks with long lists of references",
        make: |b| {
            one(&format!(
                "\"tasks\":[{}]",
                many(b, ",", |n| {
                    let on = many(3000, ",", |k| format!("\"t{}\"", (n + k) % 900));
                    let state = if n % 2 == 0 { "working" } else { "completed" };
                    format!(
                        "{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"{state}\"}},\"dependsOn\":[{on}]}}"
                    )
                })
            ))
        },
    },
    Kind {
        name: "questions with many options",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                many(b, ",", |n| {
                    let options = many(15_000, ",", |k| {
                        format!("{{\"id\":\"{k}\",\"label\":\"L\"}}")
                    });
                    question(&format!("q{n}"), &format!(",\"options\":[{options}]"))
                })
            ))
        },
    },
    Kind {
        name: "tasks that wait for their own agent",
        make: |b| {
            one(&tasks(b, |n| {
                format!("\"id\":\"t{n}\",\"waitingFor\":{{\"kind\":\"agent\",\"ref\":\"a\"}}")
            }))
        },
    },
    Kind {
        name: "tasks of one key by two agents",
        make: |b| {
            both(&|who| {
                tasks(b / 2, |n| {
                    format!(
                        "\"id\":\"{who}{n}\",\"key\":\"k\",\"parentId\":\"{who}{}\"",
                        n + 1
                    )
                })
            })
        },
    },
    Kind {
        name: "readers of one document",
        make: |b| {
            both(&|who| {
                format!(
                    "{},\"context\":[{}]",
                    tasks(b / 4, |n| format!(
                        "\"id\":\"{who}{n}\",\"contextId\":\"c\",\"contextRefs\":[{{\"documentId\":\"d\",\"seq\":{n}}}]"
                    )),
                    many(b / 4, ",", |n| context(
                        n * 2 + usize::from(who == "b"),
                        "\"kind\":\"decision\""
                    ))
                )
            })
        },
    },
    Kind {
        name: "read-up-to marks of one task",
        make: |b| {
            one(&task(&format!(
                "\"contextRefs\":[{}]",
                many(b, ",", |n| format!("{{\"documentId\":\"d{n}\",\"seq\":1}}"))
            )))
        },
    },
    Kind {
        name: "entries about one key by two agents",
        make: |b| {
            both(&|who| {
                format!(
                    "\"context\":[{}]",
                    many(b / 2, ",", |n| context(
                        n * 2 + usize::from(who == "b"),
                        &format!(
                            "\"kind\":\"fact\",\"key\":\"k\",\"value\":{}",
                            n * 2 + usize::from(who == "b")
                        )
                    ))
                )
            })
        },
    },
    Kind {
        name: "entries that each replace the last",
        make: |b| {
            one(&format!(
                "\"context\":[{}]",
                many(b, ",", |n| context(
                    n + 1,
                    &format!(
                        "\"kind\":\"decision\",\"key\":\"k\",\"value\":{n},\"supersedes\":{n}"
                    )
                ))
            ))
        },
    },
    Kind {
        name: "writes of one thing by two agents",
        make: |b| {
            both(&|who| {
                format!(
                    "{},\"accesses\":[{}]",
                    tasks(200, |n| format!("\"id\":\"{who}{n}\"")),
                    many(b / 2, ",", |n| access(
                        &format!("{who}{n}"),
                        "write",
                        "field:x",
                        &format!(
                            "\"taskId\":\"{who}0\",\"baseVersion\":\"{n}\",\"newVersion\":\"{}\"",
                            n + 1
                        )
                    ))
                )
            })
        },
    },
    Kind {
        name: "writes of many things",
        make: |b| {
            both(&|who| {
                format!(
                    "\"accesses\":[{}]",
                    many(b / 2, ",", |n| access(
                        &format!("{who}{n}"),
                        "write",
                        &format!("field:x{n}"),
                        "\"newVersion\":\"1\""
                    ))
                )
            })
        },
    },
    Kind {
        name: "one event taken by two agents",
        make: |b| {
            both(&|who| {
                format!(
                    "\"accesses\":[{}]",
                    many(b / 2, ",", |n| access(
                        &format!("{who}{n}"),
                        "consume",
                        "trigger:x",
                        "\"eventId\":\"e\""
                    ))
                )
            })
        },
    },
    Kind {
        name: "reads under patterns",
        make: |b| {
            both(&|who| {
                if who == "a" {
                    format!(
                        "\"claims\":[{}]",
                        many(b / 2, ",", |n| claim(n, &hostile(n), "held", ""))
                    )
                } else {
                    format!(
                        "\"accesses\":[{}]",
                        many(b / 2, ",", |n| access(
                            &format!("r{n}"),
                            "read",
                            &format!("file:{}{n}", "ab".repeat(240)),
                            "\"baseVersion\":\"1\""
                        ))
                    )
                }
            })
        },
    },
    Kind {
        name: "claims on patterns by two agents",
        make: |b| {
            both(&|who| {
                format!(
                    "\"claims\":[{}]",
                    many(b / 2, ",", |n| claim(
                        n * 2 + usize::from(who == "b"),
                        &hostile(n),
                        "held",
                        ""
                    ))
                )
            })
        },
    },
    Kind {
        name: "claims on patterns of many stars",
        make: |b| {
            both(&|who| {
                format!(
                    "\"claims\":[{}]",
                    many(b / 2, ",", |n| claim(
                        n * 2 + usize::from(who == "b"),
                        &format!("file:{}{n}", "a*".repeat(240)),
                        "held",
                        ""
                    ))
                )
            })
        },
    },
    Kind {
        name: "claims on one thing by two agents",
        make: |b| {
            both(&|who| {
                format!(
                    "\"claims\":[{}]",
                    many(b / 2, ",", |n| claim(
                        n * 2 + usize::from(who == "b"),
                        "file:x",
                        "held",
                        ""
                    ))
                )
            })
        },
    },
    Kind {
        name: "tasks that wait for claims",
        make: |b| {
            both(&|who| {
                format!(
                    "{},\"claims\":[{}]",
                    tasks(b / 4, |n| format!("\"id\":\"{who}{n}\"")),
                    many(b / 4, ",", |n| claim(
                        n * 2 + usize::from(who == "b"),
                        if n % 2 == 0 { "file:x" } else { "file:*" },
                        if n % 2 == 0 { "held" } else { "waiting" },
                        &format!(",\"taskId\":\"{who}{n}\"")
                    ))
                )
            })
        },
    },
    Kind {
        name: "triggers that two agents declare",
        make: |b| {
            both(&|_| {
                format!(
                    "\"ownership\":{{\"triggers\":[{}],\"reads\":[],\"writes\":[],\"outputs\":[]}}",
                    many((b / 2).min(20_000), ",", |n| format!(
                        "\"{}\"",
                        hostile(n).replacen("file", "trigger", 1)
                    ))
                )
            })
        },
    },
    Kind {
        name: "writes outside of what was declared",
        make: |b| {
            one(&format!(
                "\"ownership\":{{\"triggers\":[],\"reads\":[],\"writes\":[{}],\"outputs\":[]}},\"accesses\":[{}]",
                many((b / 2).min(20_000), ",", |n| format!("\"{}\"", hostile(n))),
                many(b.saturating_sub(20_000).max(b / 2), ",", |n| access(
                    &format!("w{n}"),
                    "write",
                    &format!("file:{}{n}", "a".repeat(480)),
                    ""
                ))
            ))
        },
    },
    Kind {
        name: "windows of one limit",
        make: |b| {
            one(&format!(
                "\"quotas\":[{{\"pool\":{{\"provider\":\"p\"}},\"observedAt\":\"{TIME}\",\"windows\":[{}]}}]",
                many(b, ",", |n| format!(
                    "{{\"name\":\"w{n}\",\"limit\":9,\"remaining\":1}}"
                ))
            ))
        },
    },
    Kind {
        name: "limits",
        make: |b| {
            one(&format!(
                "\"quotas\":[{}]",
                many(b, ",", |n| format!(
                    "{{\"pool\":{{\"provider\":\"p{n}\"}},\"observedAt\":\"{TIME}\",\"windows\":[{{\"name\":\"w\",\"limit\":9,\"remaining\":1}}]}}"
                ))
            ))
        },
    },
    Kind {
        name: "samples of one limit",
        make: |b| {
            one(&format!(
                "\"quotas\":[{}]",
                many(b, ",", |n| format!(
                    "{{\"pool\":{{\"provider\":\"p\"}},\"observedAt\":\"2026-11-01T08:{:02}:{:02}Z\",\"windows\":[{{\"name\":\"w\",\"limit\":9000000,\"used\":{n}}}]}}",
                    n / 60 % 60,
                    n % 60
                ))
            ))
        },
    },
    Kind {
        name: "headers of one limit",
        make: |b| {
            one(&format!(
                "\"quotas\":[{{\"pool\":{{\"provider\":\"p\"}},\"observedAt\":\"{TIME}\",\"windows\":[{}],\"headers\":{{{}}}}}]",
                many(b / 2, ",", |n| format!("{{\"name\":\"v{n}\"}}")),
                many(b / 2, ",", |n| format!(
                    "\"anthropic-ratelimit-w{n}-limit\":\"9\""
                ))
            ))
        },
    },
    Kind {
        name: "headers without a name",
        make: |b| {
            one(&format!(
                "\"quotas\":[{{\"pool\":{{\"provider\":\"p\"}},\"observedAt\":\"{TIME}\",\"windows\":[],\"headers\":{{{}}}}}]",
                many(b, ",", |n| format!(
                    "\"{}\":\"9\"",
                    cases("x-ratelimit-limit", n)
                ))
            ))
        },
    },
    Kind {
        name: "handoffs of one task",
        make: |b| {
            one(&format!(
                "{},\"handoffs\":[{}]",
                task("\"nextStage\":\"s\""),
                many(b, ",", |n| format!(
                    "{{\"id\":\"h{n}\",\"taskId\":\"t\",\"to\":\"s{n}\",\"status\":\"completed\",\"output\":{{\"artifactId\":\"f\"}},\"emittedAt\":\"{TIME}\"}}"
                ))
            ))
        },
    },
    Kind {
        name: "artifacts at one address",
        make: |b| {
            both(&|who| {
                format!(
                    "{},\"artifacts\":[{}],\"accesses\":[{}]",
                    task(""),
                    many(b / 4, ",", |n| format!(
                        "{{\"id\":\"{who}{n}\",\"taskId\":\"t\",\"name\":\"N\",\"uri\":\"file:x\",\"createdAt\":\"{TIME}\"}}"
                    )),
                    many(b / 4, ",", |n| access(
                        &format!("{who}{n}"),
                        "read",
                        "file:x",
                        ""
                    ))
                )
            })
        },
    },
    Kind {
        name: "artifacts with bodies",
        make: |b| {
            one(&format!(
                "\"artifacts\":[{}]",
                many(b, ",", |n| format!(
                    "{{\"id\":\"f{n}\",\"name\":\"N\",\"createdAt\":\"{TIME}\",\"body\":{{\"a\":[{}]}}}}",
                    many(2000, ",", |k| k.to_string())
                ))
            ))
        },
    },
    Kind {
        name: "questions",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                many(b, ",", |n| question(&format!("q{n}"), ""))
            ))
        },
    },
    Kind {
        name: "questions of one id",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                many(b, ",", |n| question(
                    "q",
                    &format!(",\"severity\":\"low\",\"n\":{n}")
                ))
            ))
        },
    },
    Kind {
        name: "options of one question",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                question(
                    "q",
                    &format!(
                        ",\"options\":[{}]",
                        many(b, ",", |n| format!("{{\"id\":\"o{n}\",\"label\":\"L\"}}"))
                    )
                )
            ))
        },
    },
    Kind {
        name: "pieces of one command",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                question(
                    "q",
                    &format!(
                        ",\"proposedAction\":{{\"name\":\"n\",\"command\":[{}]}}",
                        many(b, ",", |n| format!("\"-{n}\""))
                    )
                )
            ))
        },
    },
    Kind {
        name: "arguments of one action",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                question(
                    "q",
                    &format!(
                        ",\"proposedAction\":{{\"name\":\"n\",\"args\":{{{}}}}}",
                        many(b, ",", |n| format!("\"k{n}\":[{{\"a\":\"\"}}]"))
                    )
                )
            ))
        },
    },
    Kind {
        name: "a schema without end",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                question(
                    "q",
                    &format!(
                        ",\"responseSchema\":{{\"anyOf\":[{}]}}",
                        many(b, ",", |n| format!(
                            "{{\"properties\":{{\"k{n}\":{{\"pattern\":\"^(a+)+$\"}}}}}}"
                        ))
                    )
                )
            ))
        },
    },
    Kind {
        name: "schedules",
        make: |b| {
            both(&|who| {
                format!(
                    "\"schedules\":[{}]",
                    many(b / 2, ",", |n| format!(
                        "{{\"id\":\"{who}{n}\",\"resource\":\"trigger:x{n}\",\"cron\":\"*/1 0-59/1 1-31 1-12 0-7,1,2,3,4,5,6\",\"enabled\":true}}"
                    ))
                )
            })
        },
    },
    Kind {
        name: "one long calendar line",
        make: |b| {
            one(&format!(
                "\"schedules\":[{{\"id\":\"s\",\"resource\":\"trigger:x\",\"enabled\":true,\"cron\":\"{} * * * *\"}}]",
                many(b.min(60_000), ",", |n| (n % 60).to_string())
            ))
        },
    },
    Kind {
        name: "ids that lead elsewhere",
        make: |b| {
            one(&format!(
                "\"escalations\":[{}]",
                many(b, ",", |n| question(
                    ["..", ".", "%2e%2E", ".%2e"][n % 4],
                    &format!(",\"n\":{n}")
                ))
            ))
        },
    },
    Kind {
        name: "everything bad",
        make: |b| {
            one(&[
                "tasks",
                "accesses",
                "claims",
                "handoffs",
                "artifacts",
                "context",
                "quotas",
                "escalations",
                "schedules",
            ]
            .map(|list| {
                format!(
                    "\"{list}\":[{}]",
                    many(b / 9, ",", |n| format!("{{\"id\":\"x{n}\"}}"))
                )
            })
            .join(","))
        },
    },
    Kind {
        name: "two documents in turns",
        make: |b| {
            (0..4)
                .map(|k| {
                    document(
                        "a",
                        &tasks(b / 4, |n| {
                            format!("\"id\":\"t{n}\",\"progress\":{{\"done\":{}}}", k % 2)
                        }),
                    )
                })
                .collect()
        },
    },
    Kind {
        name: "tasks that come and go",
        make: |b| {
            (0..4)
                .map(|k| document("a", &tasks(b / 4, |n| format!("\"id\":\"t{k}-{n}\""))))
                .collect()
        },
    },
    Kind {
        name: "another agent at every poll",
        make: |b| {
            (0..b / 90)
                .map(|n| document(&format!("a{n}"), "\"tasks\":[]"))
                .collect()
        },
    },
];

const TIME: &str = "2026-11-01T08:00:00Z";

/// Pieces until there are so many bytes.
fn many(bytes: usize, between: &str, piece: impl Fn(usize) -> String) -> String {
    let mut text = piece(0);
    for n in 1.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(between);
        text.push_str(&piece(n));
    }
    text
}

fn document(who: &str, members: &str) -> String {
    format!(
        "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"{who}\",\"name\":\"A\",\"status\":\"online\"}},{members}}}"
    )
}

fn one(members: &str) -> Vec<String> {
    vec![document("a", members)]
}

fn two(members: &str, then: &str) -> Vec<String> {
    vec![document("a", members), document("a", then)]
}

/// Two agents behind one address, each with its own list of changes.
fn both(members: &dyn Fn(&'static str) -> String) -> Vec<String> {
    let of = |who| document(who, &format!("\"snapshot\":false,{}", members(who)));
    vec![of("a"), of("b")]
}

fn task(more: &str) -> String {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(",{more}")
    };
    format!(
        "\"tasks\":[{{\"id\":\"t\",\"title\":\"T\",\"status\":{{\"state\":\"working\"}}{more}}}]"
    )
}

fn tasks(bytes: usize, piece: impl Fn(usize) -> String) -> String {
    let all = many(bytes, ",", |n| {
        format!(
            "{{{},\"title\":\"T\",\"status\":{{\"state\":\"working\"}}}}",
            piece(n)
        )
    });
    format!("\"tasks\":[{all}]")
}

fn context(seq: usize, more: &str) -> String {
    format!(
        "{{\"documentId\":\"d\",\"seq\":{seq},{more},\"body\":\"B\",\"author\":\"a\",\"createdAt\":\"{TIME}\"}}"
    )
}

fn access(id: &str, mode: &str, resource: &str, more: &str) -> String {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(",{more}")
    };
    format!(
        "{{\"id\":\"{id}\",\"resource\":\"{resource}\",\"mode\":\"{mode}\",\"at\":\"{TIME}\"{more}}}"
    )
}

fn claim(id: usize, resource: &str, state: &str, more: &str) -> String {
    format!(
        "{{\"id\":\"c{id}\",\"resource\":\"{resource}\",\"holderIdentity\":\"a\",\"mode\":\"exclusive\",\"state\":\"{state}\"{more}}}"
    )
}

fn question(id: &str, more: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"version\":\"1\",\"kind\":\"approval\",\"title\":\"T\",\"message\":\"M\",\"createdAt\":\"{TIME}\",\"status\":\"pending\"{more}}}"
    )
}

/// A pattern with as many wildcards as are taken, of the length that is taken, in which everything repeats.
fn hostile(n: usize) -> String {
    let piece = "ab".repeat(29);
    let stars = if n.is_multiple_of(2) { "*" } else { "**" };
    format!("file:{}{n}", format!("{piece}{stars}").repeat(7))
}

/// One word in as many ways as there are to write its letters large.
fn cases(word: &str, n: usize) -> String {
    let letters = word.chars().enumerate();
    letters
        .map(|(at, c)| {
            if n >> at & 1 == 1 {
                c.to_ascii_uppercase()
            } else {
                c
            }
        })
        .collect()
}
