// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension Trace {
  /// Records what happened inside the service.
  func note(_ note: ServiceNote, at instant: EngineInstant) {
    switch note {
    case .sessionStarted(let connection, let session):
      label(connection: connection, "s\(session)")
      record(at: instant, connection: connection, "session-started")
    }
  }
}
