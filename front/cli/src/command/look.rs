//! `wharf status`, `wharf url`, `wharf open`.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use client_deploy::Status;

use crate::arguments::{Named, One};
use crate::command::Session;
use crate::exit::Ended;
use crate::place::app_name;

/// Events that a person is shown.
const EVENTS_SHOWN: usize = 5;

impl Session {
    pub(super) fn status(&self, one: &One) -> Ended {
        let deployer = self.deployer(&one.place, Arc::new(|_| ()))?;
        let Some(name) = &one.name else {
            let all = self.runtime.block_on(deployer.list())?;
            if one.json {
                return Ok(self.output.print_json(&all)?);
            }
            self.output.print(table(&all))?;
            return Ok(());
        };
        let status = self.runtime.block_on(deployer.status(&app_name(name)?))?;
        if one.json {
            return Ok(self.output.print_json(&status)?);
        }
        self.output.print(detail(&status))?;
        Ok(())
    }

    pub(super) fn url(&self, named: &Named) -> Ended {
        let url = self.find_url(named)?;
        if named.json {
            return Ok(self.output.print_json(&serde_json::json!({ "url": url }))?);
        }
        self.output.print(url)?;
        Ok(())
    }

    pub(super) fn open(&self, named: &Named) -> Ended {
        let url = self.find_url(named)?;
        let opened = Command::new("xdg-open")
            .arg(&url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !opened.is_ok_and(|status| status.success()) {
            self.output
                .say("no browser could be opened here; this is the address:");
        }
        self.output.print(url)?;
        Ok(())
    }

    fn find_url(&self, named: &Named) -> Ended<String> {
        let name = app_name(&named.name)?;
        let deployer = self.deployer(&named.place, Arc::new(|_| ()))?;
        Ok(self.runtime.block_on(deployer.url(&name))?)
    }
}

fn health(status: &Status) -> String {
    let healthy = status.targets.iter().filter(|it| it.state == "healthy").count();
    format!("{}/{} running, {healthy} healthy", status.running, status.desired)
}

fn table(all: &[Status]) -> String {
    if all.is_empty() {
        return "there are no applications; wharf up PATH makes one".to_owned();
    }
    let head = ["NAME", "TASKS", "VERSION", "URL"].map(str::to_owned);
    let rows = all.iter().map(|one| {
        [
            one.name.clone(),
            health(one),
            one.task_definition.clone(),
            one.url.clone().unwrap_or_default(),
        ]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Each column as wide as its widest cell.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |at: usize| {
        rows.iter()
            .map(|row| row[at].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let text: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        text.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn detail(status: &Status) -> String {
    let mut text = format!("{}  {}\n", status.name, health(status));
    let url = status.url.as_deref().unwrap_or("none");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  url         {url}");
    let _ = writeln!(text, "  cluster     {}", status.cluster);
    for one in &status.deployments {
        let failed = match one.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let _ = writeln!(
            text,
            "  deployment  {}  {}  {}/{} running{failed}",
            one.task_definition, one.state, one.running, one.desired
        );
    }
    for one in &status.tasks {
        let address = one.address.as_deref().unwrap_or("-");
        let zone = one.zone.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "  task        {}  {}  {address}  {zone}  {}",
            one.id, one.state, one.task_definition
        );
    }
    for one in &status.targets {
        let port = one.port.map_or(String::new(), |port| format!(":{port}"));
        let why = one
            .reason
            .as_ref()
            .map_or(String::new(), |why| format!("  {why}"));
        let _ = writeln!(text, "  target      {}{port}  {}{why}", one.address, one.state);
    }
    for one in status.events.iter().take(EVENTS_SHOWN) {
        let at = one
            .at
            .map_or(String::new(), |at| at.strftime("%H:%M:%S").to_string());
        let _ = writeln!(text, "  {at:8}    {}", one.message);
    }
    text.trim_end().to_owned()
}
