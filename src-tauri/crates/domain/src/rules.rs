//! The rules, one file each. Each looks at the fleet and says what is wrong now; episodes are `fleet.rs`'s matter.
