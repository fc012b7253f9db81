//! Errors of the lower rooms, as problems.

use postern_store::StoreError;

use super::Problem;

impl From<StoreError> for Problem {
    fn from(cause: StoreError) -> Self {
        match cause {
            StoreError::Unavailable { .. } => Self::unavailable(&cause),
            StoreError::Data { .. } | StoreError::Inconsistent { .. } => Self::internal(&cause),
        }
    }
}
