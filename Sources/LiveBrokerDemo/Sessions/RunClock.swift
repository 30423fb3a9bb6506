// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// The clock that the applications of a run live by: virtual in the tour, the host's in a talk.
protocol RunClock: Sendable {
  var now: EngineInstant { get }

  /// Waits; throws as soon as the task is cancelled.
  func sleep(until instant: EngineInstant) async throws
}

extension RunClock {
  /// Waits; throws as soon as the task is cancelled.
  func sleep(for duration: Duration) async throws {
    try await sleep(until: now.advanced(by: duration))
  }
}

extension SimulatedClock: RunClock {}

/// The clock of this host, the same that a broker's runtime of this host goes by.
struct HostClock: RunClock {
  var now: EngineInstant { SystemClock().now }

  func sleep(until instant: EngineInstant) async throws {
    try await Task.sleep(for: now.duration(to: instant))
  }
}
