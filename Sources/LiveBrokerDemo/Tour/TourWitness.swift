// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// What the applications of a tour were told, session by session.
final class TourWitness: BrokerObserver {
  /// What one application knows of its session.
  struct Account: Sendable {
    var reports: [ReconnectReport] = []
    var sentPositions: [Int] = []
    var textsSent = 0
    var toolCalls = 0
    var audioBytesHeard = 0
    var answeredProbe = false
    var end: SessionEnd?
  }

  private struct State {
    var accounts: [Account]
    /// Sessions that came back after the storm, and when the last of them did.
    var back = 0
    var lastBack = EngineInstant.zero
    var stormAt: EngineInstant?
    var live = 0
  }

  private let state: Mutex<State>

  init(sessions: Int) {
    state = Mutex(State(accounts: Array(repeating: Account(), count: sessions)))
  }

  /// The session's place in the tour is its name.
  private static func index(_ id: String) -> Int? { Int(id) }

  func sessionReconnected(id: String, _ report: ReconnectReport) {
    guard let index = Self.index(id) else { return }
    state.withLock { state in
      state.accounts[index].reports.append(report)
      guard let storm = state.stormAt, !report.cause.isPlanned,
        report.at.advanced(by: .zero - report.gap) >= storm
      else { return }
      if report.at.advanced(by: .zero - report.gap) <= storm.advanced(by: .seconds(11)) {
        state.back += 1
        state.lastBack = report.at
      }
    }
  }

  func sessionEnded(id: String, _ end: SessionEnd) {
    guard let index = Self.index(id) else { return }
    note(index) { $0.end = end }
  }

  func note(_ session: Int, _ change: (inout Account) -> Void) {
    state.withLock { change(&$0.accounts[session]) }
  }

  func stormBroke(at instant: EngineInstant) { state.withLock { $0.stormAt = instant } }

  func sessionOpened() { state.withLock { $0.live += 1 } }

  var live: Int { state.withLock { $0.live } }
  var back: Int { state.withLock { $0.back } }
  var lastBack: EngineInstant { state.withLock { $0.lastBack } }
  var accounts: [Account] { state.withLock { $0.accounts } }
}
