//! What this process already did about findings, so that one failure is handled once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{AnalysisCode, InstanceKey, Timestamp};

/// Remembered work on findings. Everything in here can be lost without harm: the backend is what counts.
#[derive(Debug, Default)]
pub(crate) struct DetectionState {
    /// Servers being handled, and whether something new was found meanwhile.
    in_progress: Mutex<BTreeMap<InstanceKey, bool>>,
    /// Detections known to be registered, and until when.
    registered: Mutex<BTreeMap<(InstanceKey, bool), (AnalysisCode, Timestamp)>>,
    last_code: Mutex<BTreeMap<InstanceKey, AnalysisCode>>,
}

impl DetectionState {
    /// Begins to handle a server's finding; false while another task still does, which is then told to look again.
    pub(crate) fn begin(&self, key: &InstanceKey) -> bool {
        let mut in_progress = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        match in_progress.get_mut(key) {
            Some(look_again) => {
                *look_again = true;
                false
            }
            None => {
                in_progress.insert(key.clone(), false);
                true
            }
        }
    }

    /// Ends handling a server's finding; true when something new was found meanwhile.
    pub(crate) fn end(&self, key: &InstanceKey) -> bool {
        let mut in_progress = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        in_progress.remove(key).unwrap_or(false)
    }

    /// The detection of that code is known to be registered and active.
    pub(crate) fn is_registered(
        &self,
        key: &InstanceKey,
        code: AnalysisCode,
        actionable: bool,
        now: Timestamp,
    ) -> bool {
        let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        registered
            .get(&(key.clone(), actionable))
            .is_some_and(|(known, until)| *known == code && now < *until)
    }

    /// Remembers a registered detection until the backend is worth asking again.
    pub(crate) fn note_registered(
        &self,
        key: &InstanceKey,
        code: AnalysisCode,
        actionable: bool,
        until: Timestamp,
    ) {
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        registered.insert((key.clone(), actionable), (code, until));
    }

    /// Forgets what is registered: somebody acknowledged, or the backend changed behind our back.
    pub(crate) fn forget_registered(&self) {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Notes the code of a server; true when it differs from the last one noted.
    pub(crate) fn code_changed(&self, key: &InstanceKey, code: AnalysisCode) -> bool {
        let mut last = self.last_code.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(key.clone(), code) != Some(code)
    }

    /// The last code noted of a server.
    pub(crate) fn last_code(&self, key: &InstanceKey) -> Option<AnalysisCode> {
        self.last_code.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    /// Forgets codes and registered detections of servers that are gone.
    pub(crate) fn retain_codes(&self, known: impl Fn(&InstanceKey) -> bool) {
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        registered.retain(|(key, _), _| known(key));
        drop(registered);
        self.last_code.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| known(key));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_remembered_of_servers_that_are_gone_is_dropped() {
        let state = DetectionState::default();
        let (here, gone) = (InstanceKey::new("here", 3306), InstanceKey::new("gone", 3306));
        let now = Timestamp::from_secs(1_000);
        for key in [&here, &gone] {
            state.note_registered(key, AnalysisCode::DeadMaster, true, now + Duration::from_secs(60));
            state.code_changed(key, AnalysisCode::DeadMaster);
        }
        state.retain_codes(|key| *key == here);
        let is_known = |key| {
            state.is_registered(key, AnalysisCode::DeadMaster, true, now) && state.last_code(key).is_some()
        };
        assert!(is_known(&here) && !is_known(&gone));
        assert!(state.registered.lock().unwrap().len() == 1);
    }
}
