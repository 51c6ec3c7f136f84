//! A scripted A2A agent on the Rust package `a2a-protocol-server`, which has an approval extension of its own: a gate checks
//! that the answer names the request and its digest, and that it comes from somebody else than who began the task.
//!
//! The first word of a new task's message chooses its story: ask, slow (what was allowed takes
//! until its folder has a file `go`), words, dig (the same), chat.
//! Arguments: --port N --log FILE. The token `clerk` begins, the token `t0p` answers. What reaches the agent is written to
//! the log; what was allowed is done by a file `done-…` in the folder. All protocol behaviour is the package's own.

use std::{env, fs, io::Write, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use a2a_protocol_server::{
    AgentExecutor, BearerTokenAuthInterceptor, EventEmitter, EventQueueWriter, JsonRpcDispatcher,
    RequestContext, RequestHandlerBuilder, approval::ApprovalGate, serve,
};
use a2a_protocol_types::{
    AgentCard, AgentInterface, AgentSkill, Message, Part, TaskState,
    approval::{ApprovalRequest, Decision, action_digest},
    error::A2aResult,
    events::{StreamResponse, TaskStatusUpdateEvent},
    security::{HttpAuthSecurityScheme, SecurityScheme},
    task::{ContextId, TaskStatus},
};
use serde_json::json;

/// What takes until it may come to its end.
const SLOWLY: &str = "Pay 900 euros to Ann in coins";

struct Clerk {
    log: PathBuf,
    folder: PathBuf,
}

impl Clerk {
    /// Moves the task on with words to it.
    async fn say(&self, emit: &EventEmitter<'_>, state: TaskState, text: &str) -> A2aResult<()> {
        let mut said = Message::agent_text(uuid::Uuid::new_v4().to_string(), text);
        said.task_id = Some(emit.ctx.task_id.clone());
        said.context_id = Some(ContextId::new(emit.ctx.context_id.clone()));
        let mut status = TaskStatus::new(state);
        status.message = Some(said);
        let event = TaskStatusUpdateEvent {
            task_id: emit.ctx.task_id.clone(),
            context_id: ContextId::new(emit.ctx.context_id.clone()),
            status,
            metadata: None,
        };
        emit.queue.write(StreamResponse::StatusUpdate(event)).await
    }

    async fn work(&self, emit: &EventEmitter<'_>) -> A2aResult<()> {
        let text: Vec<&str> = emit.ctx.message.texts().collect();
        let text = text.join(" ");
        let line = json!({"path": "/", "body": {"message": emit.ctx.message}});
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log);
        let written = log.and_then(|mut log| writeln!(log, "{line}"));
        assert!(written.is_ok(), "the log can be written");
        if emit.ctx.stored_task.is_some() {
            return self.answered(emit, &text).await;
        }
        match text.split(' ').next().unwrap_or_default() {
            story @ ("ask" | "slow") => {
                let action = json!({"tool": "pay", "eur": 900});
                let id = uuid::Uuid::new_v4().to_string();
                let summary = match story {
                    "slow" => SLOWLY,
                    _ => "Pay 900 euros to Ann",
                };
                let request = ApprovalRequest::new(id, summary, action_digest(&action)?);
                emit.request_approval(request, "May I pay 900 euros to Ann?")
                    .await?;
                Ok(())
            }
            "words" => {
                self.say(emit, TaskState::InputRequired, "Which customer is meant?")
                    .await
            }
            "dig" => {
                self.go_on(emit, "Digging").await?;
                if emit.is_cancelled() {
                    return Ok(());
                }
                self.say(emit, TaskState::Completed, "Found it").await
            }
            _ => {
                emit.status(TaskState::Working).await?;
                emit.artifact(
                    "report",
                    vec![Part::text("Three invoices are due.")],
                    None,
                    Some(true),
                )
                .await?;
                emit.status(TaskState::Completed).await
            }
        }
    }

    /// Works and speaks until it may come to its end.
    async fn go_on(&self, emit: &EventEmitter<'_>, doing: &str) -> A2aResult<()> {
        let mut step = 0;
        while !self.folder.join("go").exists() && !emit.is_cancelled() {
            step += 1;
            self.say(emit, TaskState::Working, &format!("{doing}, step {step}"))
                .await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    async fn answered(&self, emit: &EventEmitter<'_>, text: &str) -> A2aResult<()> {
        let asked = emit
            .ctx
            .stored_task
            .as_ref()
            .and_then(|task| task.status.message.as_ref());
        let wants_leave =
            asked.is_some_and(|asked| matches!(ApprovalRequest::read(asked), Ok(Some(_))));
        if !wants_leave {
            return self
                .say(emit, TaskState::Completed, &format!("Heard: {text}"))
                .await;
        }
        let Some(leave) = emit.ctx.approval() else {
            let again = asked.map(ApprovalRequest::read);
            let Some(Ok(Some(request))) = again else {
                return Ok(());
            };
            emit.request_approval(request, "May I pay 900 euros to Ann?")
                .await?;
            return Ok(());
        };
        if leave.decision.decision == Decision::Approve {
            if leave.request.summary == SLOWLY {
                self.go_on(emit, "Counting the money").await?;
            }
            let done = self.folder.join(format!("done-{}", emit.ctx.task_id.0));
            assert!(
                fs::write(done, "900").is_ok(),
                "the payment is written down"
            );
            return self
                .say(emit, TaskState::Completed, "Paid 900 euros to Ann")
                .await;
        }
        self.say(emit, TaskState::Completed, "Not paid").await
    }
}

impl AgentExecutor for Clerk {
    fn execute<'a>(
        &'a self,
        ctx: &'a RequestContext,
        queue: &'a dyn EventQueueWriter,
    ) -> Pin<Box<dyn Future<Output = A2aResult<()>> + Send + 'a>> {
        Box::pin(async move { self.work(&EventEmitter::new(ctx, queue)).await })
    }
}

fn option(name: &str) -> String {
    let mut all = env::args().skip_while(|one| one != name);
    all.nth(1).unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = format!("127.0.0.1:{}", option("--port"));
    let log = PathBuf::from(option("--log"));
    let folder = log.with_extension("folder");
    fs::create_dir_all(&folder)?;
    let mut card = AgentCard::new(
        "rust-clerk",
        "1.0.0",
        AgentInterface::jsonrpc(format!("http://{place}/")),
    )
    .with_description("Pays invoices")
    .with_skill(AgentSkill::new("pay", "Pay", "Pays an invoice").with_tags(["pay"]));
    let bearer = HttpAuthSecurityScheme {
        scheme: "Bearer".to_owned(),
        bearer_format: None,
        description: None,
    };
    let schemes = [("token".to_owned(), SecurityScheme::Http(bearer))];
    card.security_schemes = Some(schemes.into_iter().collect());
    let tokens =
        BearerTokenAuthInterceptor::with_labelled_tokens([("clerk", "clerk"), ("t0p", "person")]);
    let agent = Clerk { log, folder };
    let built = RequestHandlerBuilder::new(agent)
        .with_agent_card(card)
        .with_interceptor(tokens)
        .share_tasks_across_callers()
        .with_approval_gate(ApprovalGate::new())
        .build()?;
    serve(place, JsonRpcDispatcher::new(Arc::new(built))).await?;
    Ok(())
}
