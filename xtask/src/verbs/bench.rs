//! `bench`: this project's figures, as ratios against named peers in the same run.

use anyhow::Result;

use crate::failure::Failure;

pub(super) fn bench(_name: Option<&str>) -> Result<u8> {
    Err(Failure::usage("`bench` is not built yet").into())
}
