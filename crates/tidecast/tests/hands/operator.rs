//! Workloads told as custom resources.
