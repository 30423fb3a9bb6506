// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// Puts into words what happens to the sessions of a talk.
final class TalkNews: Sendable {
  private struct State {
    var rotations = 0
    var renewals = 0
    var losses = 0
    var storms: StormFinder
  }

  private let sessions: Int
  private let state: Mutex<State>
  /// Is given a sentence, and when it happened.
  private let tell: @Sendable (String, EngineInstant) -> Void

  init(sessions: Int, tell: @escaping @Sendable (String, EngineInstant) -> Void) {
    self.sessions = sessions
    self.tell = tell
    state = Mutex(State(storms: StormFinder(sessions: sessions)))
  }

  func note(_ session: Int, _ news: SessionNews) {
    switch news {
    case .reconnected(let report): reconnected(session, report)
    case .ended(let end):
      if end.isFailure { tell("\(name(session))over: \(end)", SystemClock().now) }
    }
  }

  /// The one session of a talk has been without a connection for so long.
  func lost(for time: Duration) {
    tell("no connection for \(durationText(time)), trying again", SystemClock().now)
  }

  /// The counts so far, to stand behind a progress bar.
  var counts: String {
    state.withLock { state in
      var text = "  \(grouped(state.rotations)) rotations, \(grouped(state.renewals)) renewals"
      if state.losses > 0 { text += ", \(grouped(state.losses)) losses" }
      return text
    }
  }

  /// The largest storm so far.
  var storm: StormFinder.Cluster? { state.withLock { $0.storms.storm } }

  private func reconnected(_ session: Int, _ report: ReconnectReport) {
    let isStorm = state.withLock { state in
      if report.credentialRenewed { state.renewals += 1 }
      guard !report.cause.isPlanned else {
        state.rotations += 1
        return false
      }
      state.losses += 1
      // One session is no half of many.
      guard sessions > 1 else { return false }
      return state.storms.noteLoss(
        at: report.at.advanced(by: .zero - report.gap), back: report.at)
    }
    if isStorm { tell("storm: half of the sessions and more lost their connection", report.at) }
    // Of many sessions only what is no routine is told one by one.
    if sessions == 1 {
      tell(Self.words(report), report.at)
    } else if report.outcome == .startedFresh {
      tell(name(session) + Self.words(report), report.at)
    }
  }

  private func name(_ session: Int) -> String { sessions == 1 ? "" : "session \(session): " }

  /// A reconnect in one sentence.
  static func words(_ report: ReconnectReport) -> String {
    let gap = "\(fixed(report.gap.milliseconds, 1)) ms without a connection"
    var text =
      report.cause.isPlanned
      ? "rotation to connection \(report.generation), \(gap)"
      : "\(report.cause); back on connection \(report.generation) after \(gap)"
    if report.credentialRenewed { text += ", with a new token" }
    if report.outcome == .startedFresh { text += ", BEGUN ANEW" }
    for loss in words(report.dropped) { text += ", \(loss) lost" }
    for loss in words(report.uncertain) { text += ", \(loss) uncertain" }
    let again = report.resentMessages
    if again > 0 { text += ", \(counted(again, "message")) sent again" }
    let calls = report.lostCalls.count
    if calls > 0 { text += ", \(counted(calls, "call")) lost" }
    return text
  }

  /// What a talk sends, as far as it was lost. A mark matters to nobody who listens.
  private static func words(_ losses: Losses) -> [String] {
    [
      (losses.audioBytes, "byte of speech", "bytes of speech"),
      (losses.textMessages, "text", "texts"),
      (losses.toolResponses, "tool response", "tool responses"),
    ].filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.0 == 1 ? $0.1 : $0.2)" }
  }
}
#endif
