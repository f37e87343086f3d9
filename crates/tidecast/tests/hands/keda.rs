//! KEDA's external scaler, asked by foreign clients.
