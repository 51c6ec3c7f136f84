//! Any Prometheus page as a source of limits, read by the mapping that the person made for it.

use chrono::Utc;
use domain::fact::PollError;
use reqwest::{
    Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};

use super::{
    Quotas, Said, Source,
    exposition::{self, Page},
    mapping::{Mapping, Memory, Outcome, apply, check},
    probed,
};
use crate::{
    Answer, Credential, Endpoint, Kind, Probe, Target,
    http::{Client, Reply, invalid},
};

/// Text of a page, as it came.
pub(super) struct Body {
    text: String,
    seconds: bool,
}

impl Body {
    pub(super) fn read(&self) -> Page<'_> {
        exposition::read(&self.text, self.seconds)
    }
}

/// Fetches a page.
pub(super) async fn page(client: &Client, url: Url) -> Result<Body, PollError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        ACCEPT,
        HeaderValue::from_static(
            "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4",
        ),
    );
    let reply = client.get(url, headers).await?;
    if reply.status.as_u16() != 200 {
        return Err(reply.as_error(Utc::now()));
    }
    let kind = reply.header(CONTENT_TYPE).unwrap_or_default();
    let seconds = kind.contains("openmetrics");
    if kind.contains("html") || kind.contains("json") {
        return Err(invalid("Something else than metrics is served there."));
    }
    let text =
        String::from_utf8(reply.body).map_err(|_| invalid("Its answer is not UTF-8 text."))?;
    Ok(Body { text, seconds })
}

/// A Prometheus page.
pub(crate) struct Metrics {
    client: Client,
    mapping: Mapping,
    memory: Memory,
}

impl Metrics {
    pub(crate) fn open(target: &Target, mapping: Mapping) -> Result<Quotas<Self>, PollError> {
        check(&mapping)?;
        let source = Self {
            client: Client::new(&target.url, target.credential.as_ref())?,
            mapping,
            memory: Memory::default(),
        };
        Ok(Quotas::over(source, target, "Metrics page"))
    }

    async fn limits(&mut self) -> Result<Said, PollError> {
        let body = page(&self.client, self.client.base().clone()).await?;
        let page = body.read();
        if page.samples.is_empty() && page.unread > 0 {
            return Err(invalid("Its lines are no metrics."));
        }
        let outcome = apply(&self.mapping, &page, &mut self.memory, Utc::now());
        if outcome.found.is_empty()
            && let Some((_, problem)) = outcome.problems.first()
        {
            return Err(invalid(problem.clone()));
        }
        let mut said = Said::default();
        said.add(outcome);
        Ok(said)
    }
}

impl Source for Metrics {
    fn ask(&mut self) -> Answer<'_, Result<Said, PollError>> {
        Box::pin(self.limits())
    }
}

/// Connects to a Prometheus page with its mapping; asks nothing yet.
pub fn open_mapped(target: &Target, mapping: Mapping) -> Result<Box<dyn Endpoint>, PollError> {
    Ok(Box::new(Metrics::open(target, mapping)?))
}

/// What a mapping would make of a page now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Windows, with the samples they come from, and what is wrong.
    pub outcome: Outcome,
    /// Metrics of the page: name, declared type, how many samples.
    pub metrics: Vec<(String, String, usize)>,
    /// Lines that could not be read: number and reason; the first of them.
    pub problems: Vec<(usize, &'static str)>,
}

/// Fetches the page once and shows what the mapping makes of it; nothing is kept.
pub async fn preview(
    url: &str,
    credential: Option<&Credential>,
    mapping: &Mapping,
) -> Result<Preview, PollError> {
    let client = Client::new(url, credential)?;
    let body = page(&client, client.base().clone()).await?;
    let page = body.read();
    let mut metrics: Vec<(String, String, usize)> = vec![];
    for sample in &page.samples {
        match metrics.iter_mut().find(|(name, ..)| *name == sample.name) {
            Some((.., count)) => *count += 1,
            None => {
                let bare = ["_total", "_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| sample.name.strip_suffix(end));
                let kind = page.types.get(sample.name.as_ref());
                let kind = kind.or_else(|| page.types.get(bare?));
                let kind = kind.copied().unwrap_or("untyped").to_owned();
                metrics.push((sample.name.clone().into_owned(), kind, 1));
            }
        }
    }
    // Once for what stands there, once more so that what is told only after a step is shown too.
    let mut looking = mapping.clone();
    for rule in &mut looking.windows {
        rule.moved_by.clear();
    }
    Ok(Preview {
        outcome: apply(&looking, &page, &mut Memory::default(), Utc::now()),
        metrics,
        problems: page.problems,
    })
}

/// Whether the address is a metrics page.
pub(super) fn find(client: &Client, first: &Reply) -> Option<Probe> {
    let kind = first.header(CONTENT_TYPE).unwrap_or_default();
    let text = std::str::from_utf8(&first.body).ok()?;
    if first.status.as_u16() != 200
        || !(kind.contains("text/plain") || kind.contains("openmetrics"))
    {
        return None;
    }
    let page = exposition::read(text, kind.contains("openmetrics"));
    if page.samples.is_empty() || page.unread > 0 {
        return None;
    }
    let warnings =
        ["Which of its numbers are limits is not known: say it in a mapping, or nothing is seen."];
    let (kind, product) = (Kind::Prometheus, "Metrics page");
    Some(probed(kind, product, client.base().as_str(), &warnings))
}
