// SPDX-License-Identifier: Apache-2.0

/// Is told what happens in a broker, for logs and metrics. Every method has an empty default.
///
/// Called synchronously on the shards' executors: an observer returns quickly, blocks never, and
/// is called from several shards at once. Nothing it is given contains a secret.
public protocol BrokerObserver: Sendable {
  /// A session got another connection.
  func sessionReconnected(id: String, _ report: ReconnectReport)
  /// A session is over.
  func sessionEnded(id: String, _ end: SessionEnd)
  /// A frame of the service was not understood and was left out; the session goes on.
  func frameRefused(_ error: WireError)
}

extension BrokerObserver {
  /// Ignores it.
  public func sessionReconnected(id: String, _ report: ReconnectReport) {}
  /// Ignores it.
  public func sessionEnded(id: String, _ end: SessionEnd) {}
  /// Ignores it.
  public func frameRefused(_ error: WireError) {}
}

/// Observes nothing.
public struct NoObserver: BrokerObserver {
  /// Makes one.
  public init() {}
}
