mod parameter;
mod public;
mod secret;

use std::sync::Arc;

use aws_protocol::Context;
use base_clock::ManualClock;
use base_id::{RandomIds, Scope};
use base_store::Store;

use crate::{KEY_BYTES, Key, Secrets};

struct World {
    secrets: Secrets,
    store: Store,
    clock: Arc<ManualClock>,
    context: Context,
}

fn world() -> World {
    let store = Store::in_memory();
    let clock = Arc::new(ManualClock::new("2026-01-01T12:00:00Z".parse().unwrap()));
    let secrets = with_key(&store, &clock, 7);
    let context = Context {
        scope: Scope::new("000000000000", "us-east-1"),
        request_id: "r".into(),
        principal_arn: "arn:aws:iam::000000000000:root".into(),
        access_key: "k".into(),
    };
    World {
        secrets,
        store,
        clock,
        context,
    }
}

fn with_key(store: &Store, clock: &Arc<ManualClock>, byte: u8) -> Secrets {
    let key = Key::new(&[byte; KEY_BYTES]);
    Secrets::new(store.clone(), clock.clone(), Arc::new(RandomIds), key)
}
