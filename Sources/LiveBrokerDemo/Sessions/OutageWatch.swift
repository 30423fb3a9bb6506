// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// Tells when a session has been without a connection for a while, once for each outage.
///
/// Most losses are mended before anybody could read of them, and the report of the reconnect tells
/// them all.
struct OutageWatch: Sendable {
  /// How long an outage is before it is told.
  static let patience = Duration.seconds(1)

  let clock: any RunClock
  /// Is given how long the session has been without a connection.
  let tell: @Sendable (Duration) -> Void

  /// Watches until the session ends or the task is cancelled.
  func watch(_ session: LiveSession) async {
    let outage = Outage()
    await withDiscardingTaskGroup { group in
      for await change in session.transitions {
        guard outage.changed(isUp: change.to.isConnected, at: change.at) else { continue }
        group.addTask {
          let due = change.at.advanced(by: Self.patience)
          do { try await clock.sleep(until: due) } catch { return }
          if outage.since == change.at { tell(Self.patience) }
        }
      }
      group.cancelAll()
    }
  }

  /// The present outage.
  private final class Outage: Sendable {
    private let state = Mutex<EngineInstant?>(nil)

    /// When it began; nil if there is a connection.
    var since: EngineInstant? { state.withLock { $0 } }

    /// Answers whether an outage has begun.
    func changed(isUp: Bool, at instant: EngineInstant) -> Bool {
      state.withLock { since in
        defer { since = isUp ? nil : since ?? instant }
        return !isUp && since == nil
      }
    }
  }
}

extension SessionPhase {
  /// Whether messages flow, or the session needs no connection any more.
  var isConnected: Bool {
    switch self {
    case .live, .rotating, .draining, .closed, .failed: true
    case .idle, .acquiringCredential, .dialing, .settingUp, .waiting: false
    }
  }
}
