// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// What the broker said of its reconnects during a round.
final class SoakWitness: BrokerObserver {
  struct Account: Sendable {
    var gaps: [Double] = []
    var longestHeld = 0.0
    var planned = 0
    var unplanned = 0
    var renewed = 0
    var freshStarts = 0
    var uncertainBytes = 0
    var droppedBytes = 0
    var resentTexts = 0
    /// Bytes of audio that are uncertain or dropped, by session.
    var reported: [String: Int] = [:]
    var failures: [String] = []
    /// Causes of the unplanned ones.
    var causes: [String: Int] = [:]
  }

  private let state = Mutex(Account())

  var account: Account { state.withLock { $0 } }

  func sessionReconnected(id: String, _ report: ReconnectReport) {
    state.withLock { account in
      account.gaps.append(report.gap / .seconds(1))
      account.longestHeld = max(account.longestHeld, report.longestHeld / .seconds(1))
      if report.cause.isPlanned {
        account.planned += 1
      } else {
        account.unplanned += 1
        account.causes["\(report.cause)", default: 0] += 1
      }
      if report.credentialRenewed { account.renewed += 1 }
      if report.outcome == .startedFresh { account.freshStarts += 1 }
      account.uncertainBytes += report.uncertain.audioBytes
      account.droppedBytes += report.dropped.audioBytes
      account.resentTexts += report.resentMessages
      let reported = report.uncertain.audioBytes + report.dropped.audioBytes
      if reported > 0 { account.reported[id, default: 0] += reported }
    }
  }

  func sessionEnded(id: String, _ end: SessionEnd) {
    guard end.isFailure else { return }
    state.withLock { $0.failures.append("\(id): \(end)") }
  }

  func frameRefused(_ error: WireError) {
    state.withLock { $0.failures.append("a frame was refused: \(error)") }
  }
}
#endif
