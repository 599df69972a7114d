//! A control process that can be killed or held up: at any of the calls it makes to its neighbours, before or after the
//! call is done, it stops for ever, or until others have done something that it does not know of.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use aws_protocol::{ApiError, Context};
use aws_shape::{ec2, elbv2};

use crate::tests::contract_fakes::NoSecrets;
use crate::tests::machine::Machines;
use crate::tests::world::{REGISTRY, World, agent};
use crate::{Ecs, Neighbours};

/// Burns with every half call; at its end the process is killed, or held up while others go on.
#[derive(Default)]
pub(super) struct Fuse(Mutex<State>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Out,
    /// So many half calls are left; then it is killed, or held up.
    Burning {
        left: u32,
        kills: bool,
    },
    HeldUp,
    Dead,
}

/// How the work of a process ended, or was interrupted.
pub(super) enum Ended<T> {
    Done(T),
    /// It waits in the middle of a call, until it is let go.
    HeldUp,
    Killed,
}

impl Fuse {
    fn state(&self) -> State {
        *self.0.lock().unwrap()
    }

    fn set(&self, state: State) {
        *self.0.lock().unwrap() = state;
    }

    pub(super) fn light(&self, left: u32, kills: bool) {
        self.set(State::Burning { left, kills });
    }

    pub(super) fn put_out(&self) {
        self.set(State::Out);
    }

    /// Before and after each call.
    async fn burn(&self) {
        let State::Burning { left, kills } = self.state() else {
            return;
        };
        self.set(match left.checked_sub(1) {
            Some(left) => State::Burning { left, kills },
            None if kills => State::Dead,
            None => State::HeldUp,
        });
        // Whoever runs the process polls it again when it is let go; nobody polls a dead one.
        poll_fn(|_| match self.state() {
            State::HeldUp | State::Dead => Poll::Pending,
            State::Out | State::Burning { .. } => Poll::Ready(()),
        })
        .await;
    }

    /// Runs the work until it is done, held up or killed.
    pub(super) async fn run<T>(&self, mut work: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Ended<T> {
        poll_fn(|context| match (work.as_mut().poll(context), self.state()) {
            (Poll::Ready(done), _) => Poll::Ready(Ended::Done(done)),
            (Poll::Pending, State::HeldUp) => Poll::Ready(Ended::HeldUp),
            (Poll::Pending, State::Dead) => Poll::Ready(Ended::Killed),
            (Poll::Pending, _) => Poll::Pending,
        })
        .await
    }
}

struct Mortal<A> {
    inner: A,
    fuse: Arc<Fuse>,
}

/// ECS whose calls to its neighbours burn the fuse.
pub(super) fn ecs(world: &World, fuse: &Arc<Fuse>) -> Ecs {
    let neighbours = Neighbours {
        autoscaling: Arc::new(world.groups.clone()),
        ec2: Arc::new(Mortal {
            inner: world.machines.clone(),
            fuse: Arc::clone(fuse),
        }),
        ecr: Arc::new(world.ecr.clone()),
        elbv2: Arc::new(Mortal {
            inner: world.elbv2.clone(),
            fuse: Arc::clone(fuse),
        }),
        logs: Arc::new(world.logs.clone()),
        names: Arc::new(super::super::map::Map::default()),
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

mortal! { Machines as ec2::Api:
    describe_instances(ec2::DescribeInstancesRequest) -> ec2::DescribeInstancesResult;
    describe_network_interfaces(ec2::DescribeNetworkInterfacesRequest) -> ec2::DescribeNetworkInterfacesResult;
    create_network_interface(ec2::CreateNetworkInterfaceRequest) -> ec2::CreateNetworkInterfaceResult;
    delete_network_interface(ec2::DeleteNetworkInterfaceRequest) -> ();
    modify_network_interface_attribute(ec2::ModifyNetworkInterfaceAttributeRequest) -> ();
}

mortal! { service_elbv2::Elbv2 as elbv2::Api:
    describe_target_health(elbv2::DescribeTargetHealthInput) -> elbv2::DescribeTargetHealthOutput;
    register_targets(elbv2::RegisterTargetsInput) -> elbv2::RegisterTargetsOutput;
    deregister_targets(elbv2::DeregisterTargetsInput) -> elbv2::DeregisterTargetsOutput;
}
