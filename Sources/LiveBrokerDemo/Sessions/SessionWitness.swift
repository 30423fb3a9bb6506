// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// What one application knows of its session.
struct SessionAccount: Sendable {
  var reports: [ReconnectReport] = []
  var sentPositions: [Int] = []
  var textsSent = 0
  var toolCalls = 0
  var turnsHeard = 0
  var audioBytesHeard = 0
  /// Whether the last question has been asked, and whether it was answered.
  var hasProbed = false
  var answeredProbe = false
  var end: SessionEnd?
}

/// What the applications of a run were told, session by session.
final class SessionWitness: BrokerObserver {
  private struct State {
    var accounts: [SessionAccount]
    /// Sessions that came back after the storm, and when the last of them did.
    var back = 0
    var lastBack = EngineInstant.zero
    var stormAt: EngineInstant?
    var live = 0
  }

  private let state: Mutex<State>
  /// Told of each reconnect, and of each session's end, on the broker's threads.
  private let news: (@Sendable (_ session: Int, SessionNews) -> Void)?

  init(sessions: Int, news: (@Sendable (_ session: Int, SessionNews) -> Void)? = nil) {
    state = Mutex(State(accounts: Array(repeating: SessionAccount(), count: sessions)))
    self.news = news
  }

  /// The session's place in the run is its name.
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
    news?(index, .reconnected(report))
  }

  func sessionEnded(id: String, _ end: SessionEnd) {
    guard let index = Self.index(id) else { return }
    note(index) { $0.end = end }
    news?(index, .ended(end))
  }

  func note(_ session: Int, _ change: (inout SessionAccount) -> Void) {
    state.withLock { change(&$0.accounts[session]) }
  }

  func account(_ session: Int) -> SessionAccount { state.withLock { $0.accounts[session] } }

  func stormBroke(at instant: EngineInstant) { state.withLock { $0.stormAt = instant } }

  func sessionOpened() { state.withLock { $0.live += 1 } }

  var live: Int { state.withLock { $0.live } }
  var back: Int { state.withLock { $0.back } }
  var lastBack: EngineInstant { state.withLock { $0.lastBack } }
  var accounts: [SessionAccount] { state.withLock { $0.accounts } }
}

/// What happened to one session.
enum SessionNews: Sendable {
  case reconnected(ReconnectReport)
  case ended(SessionEnd)
}
