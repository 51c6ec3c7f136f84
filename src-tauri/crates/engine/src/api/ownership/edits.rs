//! Edits between the screen's form (one flat record) and the domain's.

use domain::{
    ownership::{Exception, Rule, edit::Edit},
    time::Time,
};

use crate::api::{ApiError, views::EditView};

fn missing(what: &str) -> ApiError {
    ApiError::new("invalid", format!("This edit does not say {what}."))
}

/// The domain's edit; `undo`, `redo` and `discard` are not edits of a document.
pub(super) fn read(asked: &EditView, now: Time) -> Result<Edit, ApiError> {
    let rule = || asked.rule.ok_or_else(|| missing("which rule"));
    let agent = || asked.agent.clone().ok_or_else(|| missing("which agent"));
    let value = || {
        asked
            .value
            .clone()
            .ok_or_else(|| missing("what the rule is to be"))
    };
    let exception = || {
        asked
            .exception
            .clone()
            .ok_or_else(|| missing("what the rule is to be"))
    };
    Ok(match asked.kind.as_str() {
        "own" => Edit::Own {
            rule: rule()?,
            agent: agent()?,
        },
        "read" => Edit::Read {
            rule: rule()?,
            agent: agent()?,
        },
        "sequence" => Edit::Sequence {
            rule: rule()?,
            agent: agent()?,
        },
        "clear" => Edit::Clear {
            rule: rule()?,
            agent: agent()?,
        },
        "transfer" => Edit::Transfer {
            rule: rule()?,
            agent: agent()?,
        },
        "add-rule" => Edit::AddRule { value: value()? },
        "set-rule" => Edit::SetRule {
            rule: rule()?,
            value: value()?,
        },
        "remove-rule" => Edit::RemoveRule { rule: rule()? },
        "add-exception" => Edit::AddException {
            value: exception()?,
        },
        "set-exception" => Edit::SetException {
            exception: rule()?,
            value: exception()?,
        },
        "remove-exception" => Edit::RemoveException { exception: rule()? },
        "mark-reviewed" => Edit::MarkReviewed { at: now },
        other => {
            return Err(ApiError::new(
                "invalid",
                format!("There is no edit called {other}."),
            ));
        }
    })
}

/// The screen's form. A whole document has none and is never proposed as a fix.
pub(super) fn write(edit: &Edit) -> Option<EditView> {
    let view = |kind: &str,
                rule: Option<u32>,
                agent: Option<&String>,
                value: Option<&Rule>,
                exception: Option<&Exception>| {
        Some(EditView {
            kind: kind.into(),
            rule,
            agent: agent.cloned(),
            value: value.cloned(),
            exception: exception.cloned(),
        })
    };
    match edit {
        Edit::Own { rule, agent } => view("own", Some(*rule), Some(agent), None, None),
        Edit::Read { rule, agent } => view("read", Some(*rule), Some(agent), None, None),
        Edit::Sequence { rule, agent } => view("sequence", Some(*rule), Some(agent), None, None),
        Edit::Clear { rule, agent } => view("clear", Some(*rule), Some(agent), None, None),
        Edit::Transfer { rule, agent } => view("transfer", Some(*rule), Some(agent), None, None),
        Edit::AddRule { value } => view("add-rule", None, None, Some(value), None),
        Edit::SetRule { rule, value } => view("set-rule", Some(*rule), None, Some(value), None),
        Edit::RemoveRule { rule } => view("remove-rule", Some(*rule), None, None, None),
        Edit::AddException { value } => view("add-exception", None, None, None, Some(value)),
        Edit::SetException { exception, value } => {
            view("set-exception", Some(*exception), None, None, Some(value))
        }
        Edit::RemoveException { exception } => {
            view("remove-exception", Some(*exception), None, None, None)
        }
        Edit::MarkReviewed { .. } => view("mark-reviewed", None, None, None, None),
        Edit::Replace { .. } => None,
    }
}
