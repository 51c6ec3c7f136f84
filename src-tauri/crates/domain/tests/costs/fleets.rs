//! The worst legal answers of fifty agents behind one address, and of one agent that says something else at every poll:
//! what grows with the number of agents, or with time.

use super::{Kind, access, claim, context, document, many, tasks};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "tasks of one key by fifty agents",
        make: |b| fifty(&|who| tasks(b / 50, |n| format!("\"id\":\"a{who}t{n}\",\"key\":\"k\""))),
    },
    Kind {
        name: "readers of one document by fifty agents",
        make: |b| {
            fifty(&|who| {
                let entries = many(b / 100, ",", |n| {
                    context(n * 50 + who, "\"kind\":\"decision\"")
                });
                let readers = tasks(b / 100, |n| {
                    let read = format!("\"documentId\":\"d\",\"seq\":{n}");
                    format!(
                        "\"id\":\"a{who}t{n}\",\"contextId\":\"c\",\"contextRefs\":[{{{read}}}]"
                    )
                });
                format!("{readers},\"context\":[{entries}]")
            })
        },
    },
    Kind {
        name: "entries about one key by fifty agents",
        make: |b| {
            fifty(&|who| {
                let entries = many(b / 50, ",", |n| {
                    let seq = n * 50 + who;
                    context(
                        seq,
                        &format!("\"kind\":\"fact\",\"key\":\"k\",\"value\":{seq}"),
                    )
                });
                format!("\"context\":[{entries}]")
            })
        },
    },
    Kind {
        name: "writes of one thing by fifty agents",
        make: |b| {
            fifty(&|who| {
                let writes = many(b / 60, ",", |n| {
                    let of = format!("\"taskId\":\"a{who}t{}\",\"baseVersion\":\"{n}\"", n % 40);
                    access(&format!("a{who}w{n}"), "write", "field:x", &of)
                });
                let writers = tasks(b / 300, |n| format!("\"id\":\"a{who}t{n}\""));
                format!("{writers},\"accesses\":[{writes}]")
            })
        },
    },
    Kind {
        name: "one event taken by fifty agents",
        make: |b| {
            fifty(&|who| {
                let taken = many(b / 50, ",", |n| {
                    access(
                        &format!("a{who}c{n}"),
                        "consume",
                        "trigger:x",
                        "\"eventId\":\"e\"",
                    )
                });
                format!("\"accesses\":[{taken}]")
            })
        },
    },
    Kind {
        name: "one trigger declared by fifty agents",
        make: |b| {
            fifty(&|who| {
                let triggers = many((b / 100).min(10_000), ",", |n| {
                    format!("\"trigger:x{}\"", n % 10)
                });
                let starts = many(b / 100, ",", |n| {
                    let id = format!("a{who}s{n}");
                    format!(
                        "{{\"id\":\"{id}\",\"resource\":\"trigger:x\",\"everySeconds\":60,\"enabled\":true}}"
                    )
                });
                let needs = format!(
                    "{{\"triggers\":[{triggers}],\"reads\":[],\"writes\":[],\"outputs\":[]}}"
                );
                format!("\"ownership\":{needs},\"schedules\":[{starts}]")
            })
        },
    },
    Kind {
        name: "claims on one thing by fifty agents",
        make: |b| {
            fifty(&|who| {
                let claims = many(b / 50, ",", |n| claim(n * 50 + who, "file:x", "held", ""));
                format!("\"claims\":[{claims}]")
            })
        },
    },
    Kind {
        name: "claims of fifty agents and tasks that wait for them",
        make: |b| {
            fifty(&|who| {
                let claims = many(b / 100, ",", |n| {
                    let (on, state) = if n % 2 == 0 {
                        ("file:x", "held")
                    } else {
                        ("file:*", "waiting")
                    };
                    claim(
                        n * 50 + who,
                        on,
                        state,
                        &format!(",\"taskId\":\"a{who}t{n}\""),
                    )
                });
                let waiting = tasks(b / 100, |n| {
                    let of = format!(
                        "{{\"kind\":\"claim\",\"ref\":\"c{}\"}}",
                        n * 50 + (who + 1) % 50
                    );
                    format!("\"id\":\"a{who}t{n}\",\"waitingFor\":{of}")
                });
                format!("{waiting},\"claims\":[{claims}]")
            })
        },
    },
    Kind {
        name: "what fifty agents declare",
        make: |b| {
            fifty(&|who| {
                let list = || {
                    many(b / 150, ",", |n| {
                        format!("\"file:{who}/{}{n}\"", "p".repeat(450))
                    })
                };
                let (reads, writes, outputs) = (list(), list(), list());
                format!(
                    "\"ownership\":{{\"triggers\":[],\"reads\":[{reads}],\"writes\":[{writes}],\"outputs\":[{outputs}]}}"
                )
            })
        },
    },
    Kind {
        name: "what one agent declares, other at every poll",
        make: |b| {
            let of = |poll: usize| {
                let list = many(b / 20, ",", |n| {
                    format!("\"file:{poll}/{}{n}\"", "p".repeat(450))
                });
                let members = format!(
                    "\"snapshot\":false,\"ownership\":{{\"triggers\":[],\"reads\":[],\"writes\":[{list}],\"outputs\":[]}}"
                );
                document("a", &members)
            };
            (0..20).map(of).collect()
        },
    },
    Kind {
        name: "entries with long values",
        make: |b| {
            let of = |poll: usize| {
                let value = format!(
                    "\"kind\":\"fact\",\"key\":\"k{poll}\",\"value\":[{}]",
                    many(b / 20, ",", |_| "1".into())
                );
                document(
                    "a",
                    &format!("\"snapshot\":false,\"context\":[{}]", context(poll, &value)),
                )
            };
            (0..20).map(of).collect()
        },
    },
    Kind {
        name: "long accounts of one limit, others at every poll",
        make: |b| {
            let of = |poll: usize| {
                let window = format!(
                    "{{\"name\":\"n\",\"limit\":100000,\"used\":{poll},\"windowSeconds\":3600}}"
                );
                let pool = "{\"provider\":\"p\"}";
                let long = "u".repeat(b / 20);
                let members = format!(
                    "\"snapshot\":false,\"quotas\":[{{\"pool\":{pool},\"windows\":[{window}],\"k\":\"{long}\"}}]"
                );
                document("a", &members)
            };
            (0..20).map(of).collect()
        },
    },
    Kind {
        name: "tasks of other keys at every poll",
        make: |b| {
            let of = |poll: usize| {
                document(
                    "a",
                    &tasks(b / 20, |n| {
                        format!("\"id\":\"t{n}\",\"key\":\"{poll}/{n}\"")
                    }),
                )
            };
            (0..20).map(of).collect()
        },
    },
    Kind {
        name: "readers of other documents at every poll",
        make: |b| {
            let of = |poll: usize| {
                let tasks = tasks(b / 20, |n| {
                    let read = many(2_000, ",", |k| {
                        format!("{{\"documentId\":\"{poll}/{k}\",\"seq\":1}}")
                    });
                    format!("\"id\":\"t{n}\",\"contextRefs\":[{read}]")
                });
                document("a", &tasks)
            };
            (0..20).map(of).collect()
        },
    },
    Kind {
        name: "entries that replace what is not there",
        make: |b| {
            let of = |poll: usize| {
                let entries = many(b / 20, ",", |n| {
                    context(2, "\"kind\":\"fact\",\"supersedes\":1").replacen(
                        "\"d\"",
                        &format!("\"{poll}/{n}\""),
                        1,
                    )
                });
                document("a", &format!("\"snapshot\":false,\"context\":[{entries}]"))
            };
            (0..20).map(of).collect()
        },
    },
    Kind {
        name: "large claims, more at every poll",
        make: |b| {
            let of = |poll: usize| {
                let claims = (0..8).map(|n| {
                    let more = format!(",\"purpose\":\"{}\"", "p".repeat(b / 32));
                    claim(poll * 8 + n, "file:x", "held", &more)
                });
                let claims: Vec<_> = claims.collect();
                let members = format!("\"snapshot\":false,\"claims\":[{}]", claims.join(","));
                document("a", &members)
            };
            (0..4).map(of).collect()
        },
    },
    Kind {
        name: "tasks in another attempt at every poll",
        make: |b| {
            let of = |attempt: usize| {
                document(
                    "a",
                    &tasks(b / 16, |n| format!("\"id\":\"t{n}\",\"attempt\":{attempt}")),
                )
            };
            (1..=16).map(of).collect()
        },
    },
];

/// As many agents behind one address as are heard, each with its own list of changes.
fn fifty(members: &dyn Fn(usize) -> String) -> Vec<String> {
    let of = |who: usize| {
        let members = format!("\"snapshot\":false,{}", members(who));
        document(&format!("a{who}"), &members)
    };
    (0..50).map(of).collect()
}
