//! Steps of a self-test as they are taken.

use app::systems::wire::{SelfTestStep, StepResult};

use super::{ConnectorError, Proof};

/// Collects the steps of a self-test.
#[derive(Default)]
pub struct Steps(Vec<SelfTestStep>);

impl Steps {
    /// Notes a step that must give `true`; false = it did not, and the rest makes no sense.
    pub fn note(&mut self, name: &str, result: Result<bool, ConnectorError>, otherwise: &str) -> bool {
        let (result, detail) = match result {
            Ok(true) => (StepResult::Passed, String::new()),
            Ok(false) => (StepResult::Failed, otherwise.to_owned()),
            Err(error) => (StepResult::Failed, error.message),
        };
        self.0.push(SelfTestStep {
            name: name.to_owned(),
            result,
            detail,
        });
        result == StepResult::Passed
    }

    /// Notes a step that was not tried, and why.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.0.push(SelfTestStep {
            name: name.to_owned(),
            result: StepResult::Skipped,
            detail: why.to_owned(),
        });
    }

    /// All of them, in order, as what was proven of this build.
    pub fn proof(self, build: impl Into<String>) -> Proof {
        Proof {
            steps: self.0,
            build: build.into(),
        }
    }
}
