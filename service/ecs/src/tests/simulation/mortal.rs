//! A control process that can be killed: at any of the calls it makes to its neighbours, before or after the call is
//! done, it stops for ever, and whoever waits for it learns that.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::{ec2, elbv2};

use crate::tests::contract_fakes::NoSecrets;
use crate::tests::world::{REGISTRY, World, agent};
use crate::{Ecs, Neighbours};

/// Half calls that are left until the process dies; negative while nobody wants to kill it.
pub(super) struct Fuse(AtomicI64);

const OUT: i64 = i64::MIN;

impl Default for Fuse {
    fn default() -> Self {
        Self(AtomicI64::new(OUT))
    }
}

impl Fuse {
    pub(super) fn light(&self, half_calls: u32) {
        self.0.store(i64::from(half_calls), Ordering::Relaxed);
    }

    pub(super) fn put_out(&self) {
        self.0.store(OUT, Ordering::Relaxed);
    }

    fn is_dead(&self) -> bool {
        self.0.load(Ordering::Relaxed) == -1
    }

    /// Before and after each call. A dead process gets no further.
    async fn burn(&self) {
        let left = self.0.load(Ordering::Relaxed);
        if left == OUT {
            return;
        }
        self.0.store((left - 1).max(-1), Ordering::Relaxed);
        if self.is_dead() {
            pending::<()>().await;
        }
    }
}

/// What came of the work; none if the process was killed.
pub(super) async fn until_killed<T>(fuse: &Fuse, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if fuse.is_dead() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

struct Mortal<A> {
    inner: A,
    fuse: Arc<Fuse>,
}

/// ECS whose calls to its neighbours burn the fuse.
pub(super) fn ecs(world: &World, fuse: &Arc<Fuse>) -> Ecs {
    let neighbours = Neighbours {
        ec2: Arc::new(Mortal {
            inner: world.ec2.clone(),
            fuse: Arc::clone(fuse),
        }),
        ecr: Arc::new(world.ecr.clone()),
        elbv2: Arc::new(Mortal {
            inner: world.elbv2.clone(),
            fuse: Arc::clone(fuse),
        }),
        logs: Arc::new(world.logs.clone()),
        secrets: Arc::new(NoSecrets),
        parameters: Arc::new(NoSecrets),
        agent: agent(),
        registry: REGISTRY.to_owned(),
    };
    Ecs::new(
        world.store.clone(),
        world.clock.clone(),
        world.ids.clone(),
        neighbours,
    )
}

macro_rules! mortal {
    ($service:ty as $api:path: $($name:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait]
        impl $api for Mortal<$service> {
            $(async fn $name(&self, context: &Context, input: $input) -> Result<$output, ApiError> {
                self.fuse.burn().await;
                let answer = self.inner.$name(context, input).await;
                self.fuse.burn().await;
                answer
            })*
        }
    };
}

mortal! { service_ec2::Ec2 as ec2::Api:
    describe_network_interfaces(ec2::DescribeNetworkInterfacesRequest) -> ec2::DescribeNetworkInterfacesResult;
    create_network_interface(ec2::CreateNetworkInterfaceRequest) -> ec2::CreateNetworkInterfaceResult;
    delete_network_interface(ec2::DeleteNetworkInterfaceRequest) -> ();
}

mortal! { service_elbv2::Elbv2 as elbv2::Api:
    describe_target_health(elbv2::DescribeTargetHealthInput) -> elbv2::DescribeTargetHealthOutput;
    register_targets(elbv2::RegisterTargetsInput) -> elbv2::RegisterTargetsOutput;
    deregister_targets(elbv2::DeregisterTargetsInput) -> elbv2::DeregisterTargetsOutput;
}
