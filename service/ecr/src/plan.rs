//! Which images a lifecycle policy expires.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::lifecycle::{Limit, Policy, Rule, Tags};
use crate::model::{Image, matches};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The digests that expire, and the priority of the rule that says so.
///
/// As in AWS: an image belongs to the first rule, by priority, that is about it, whether that one expires it or not;
/// rules that come later still count it. What an index that stays leads to stays; what refers to an image (its `subject`)
/// is not looked at by itself and goes with it.
pub(crate) fn expiring(policy: &Policy, images: &[Arc<Image>], now: Timestamp) -> BTreeMap<String, i32> {
    let here: BTreeSet<&str> = images.iter().map(|image| image.digest.as_str()).collect();
    let is_referrer = |image: &Image| image.subject.as_deref().is_some_and(|it| here.contains(it));
    let mut own: Vec<&Arc<Image>> = images.iter().filter(|image| !is_referrer(image)).collect();
    // Youngest first; digests make it the same every time.
    own.sort_by(|a, b| (b.pushed_at, &a.digest).cmp(&(a.pushed_at, &b.digest)));
    let (mut taken, mut gone) = (BTreeSet::new(), BTreeMap::new());
    for rule in &policy.rules {
        let meant: Vec<&&Arc<Image>> = own.iter().filter(|image| is_about(rule, image)).collect();
        for (number, image) in meant.into_iter().enumerate() {
            let first = taken.insert(image.digest.as_str());
            if first && is_over(&rule.limit, number, image, now) {
                gone.insert(image.digest.clone(), rule.priority);
            }
        }
    }
    keep_children(images, &mut gone);
    for image in images {
        let with = image.subject.as_ref().and_then(|subject| gone.get(subject));
        if let Some(priority) = with.copied() {
            gone.insert(image.digest.clone(), priority);
        }
    }
    gone
}

/// Indexes may lead to indexes: those that stay keep what they lead to until nothing changes any more.
fn keep_children(images: &[Arc<Image>], gone: &mut BTreeMap<String, i32>) {
    loop {
        let stays = images.iter().filter(|image| !gone.contains_key(&image.digest));
        let kept: BTreeSet<&String> = stays.flat_map(|image| &image.children).collect();
        let before = gone.len();
        gone.retain(|digest, _| !kept.contains(digest));
        if gone.len() == before {
            return;
        }
    }
}

fn is_about(rule: &Rule, image: &Image) -> bool {
    match &rule.tags {
        Tags::Any => true,
        Tags::Untagged => image.tags.is_empty(),
        Tags::Like(patterns) => {
            let has = |pattern: &String| image.tags.iter().any(|tag| matches(pattern, tag));
            patterns.iter().all(has)
        }
    }
}

fn is_over(limit: &Limit, number: usize, image: &Image, now: Timestamp) -> bool {
    let older = |since: Timestamp, days: i64| {
        let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let days = u32::try_from(days).unwrap_or(u32::MAX);
        age > DAY.saturating_mul(days)
    };
    match limit {
        Limit::Count(count) => number >= *count,
        Limit::PushedDays(days) => older(image.pushed_at, *days),
        Limit::PulledDays(days) => older(image.pulled_at.unwrap_or(image.pushed_at), *days),
    }
}

#[cfg(test)]
mod tests;
