//! What the control process tells the name server, a JSON line each. The same lines are the journal on disk.

use contract::dns::{Change, Endpoint, NetworkNames, Update};
use serde::{Deserialize, Serialize};

/// A longer line is not read.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// Of a line that is one of many: they are cut here.
pub(crate) const PART_BYTES: usize = 256 << 10;
/// Of what is told in the other direction: a line with everything that was observed.
pub(crate) const OBSERVED_BYTES_MAX: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum News {
    /// What follows, up to `End`, is everything: what is known of zones, records and checks is forgotten then.
    Begin,
    Part(Vec<Change>),
    End {
        sequence: u64,
    },
    /// Follows the one before it without a gap.
    Update(Update),
    /// All there are, if need be in several lines.
    Endpoints {
        rows: Vec<Endpoint>,
        more: bool,
    },
    Networks {
        rows: Vec<(String, NetworkNames)>,
        more: bool,
    },
}

/// A line with its end.
pub(crate) fn write(news: &News) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(news)?;
    line.push(b'\n');
    Ok(line)
}

/// Rows gathered to lines of about [`PART_BYTES`]; `wrap` is told whether more follow. There is one line at least.
pub(crate) fn parts<T: Serialize>(
    rows: impl IntoIterator<Item = T>,
    wrap: impl Fn(Vec<T>, bool) -> News,
    mut out: impl FnMut(Vec<u8>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (mut gathered, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let size = serde_json::to_vec(&row)?.len();
        if bytes > 0 && bytes + size > PART_BYTES {
            out(write(&wrap(std::mem::take(&mut gathered), true))?)?;
            bytes = 0;
        }
        bytes += size;
        gathered.push(row);
    }
    out(write(&wrap(gathered, false))?)
}

/// Puts lines together that say one thing.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) networks: Vec<(String, NetworkNames)>,
}

impl Gathered {
    /// All of them, once the last line has come.
    pub(crate) fn endpoints(&mut self, rows: Vec<Endpoint>, more: bool) -> Option<Vec<Endpoint>> {
        self.endpoints.extend(rows);
        (!more).then(|| std::mem::take(&mut self.endpoints))
    }

    pub(crate) fn networks(
        &mut self,
        rows: Vec<(String, NetworkNames)>,
        more: bool,
    ) -> Option<Vec<(String, NetworkNames)>> {
        self.networks.extend(rows);
        (!more).then(|| std::mem::take(&mut self.networks))
    }
}
