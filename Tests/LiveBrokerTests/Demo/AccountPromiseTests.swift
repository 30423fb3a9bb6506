// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker
@testable import LiveBrokerDemo

@Suite struct AccountPromiseTests {
  private func seconds(_ seconds: Int64) -> EngineInstant {
    EngineInstant(nanoseconds: seconds * 1_000_000_000)
  }

  /// A reconnect whose gap was nothing.
  private func report(
    _ cause: InterruptionCause, at time: Int64, handleAge: Int64, held: Int64 = 0,
    uncertainBytes: Int = 0
  ) -> ReconnectReport {
    var uncertain = Losses()
    uncertain.add(audio: 0..<uncertainBytes)
    return ReconnectReport(
      cause: cause, outcome: .resumed, at: seconds(time), gap: .zero,
      longestHeld: .seconds(held), dials: 1, credentialRenewed: false,
      handleAge: .seconds(handleAge), generation: 2, uncertain: uncertain, dropped: Losses(),
      resentMessages: 0, lostCalls: [])
  }

  private func broken(_ reports: ReconnectReport...) -> [String] {
    var account = SessionAccount()
    account.reports = reports
    return account.brokenPromises(session: 0, textsRemembered: nil, slack: .seconds(1))
  }

  /// Five seconds of speech, and no more than a handle of four seconds and a second allow.
  private let bytes = 5 * Recording.bytesPerSecond

  @Test func noMoreSpeechIsUncertainThanTheHandleIsOld() {
    let lost = InterruptionCause.connectionLost("reset")
    #expect(broken(report(lost, at: 60, handleAge: 4, uncertainBytes: bytes)) == [])
    #expect(
      broken(report(lost, at: 60, handleAge: 3, uncertainBytes: bytes))
        == ["session 0: \(bytes) bytes are uncertain, though the last handle was 3.0 seconds old"])
  }

  @Test func speechThatWasHeldAndSentAtOnceCountsAsLongAsNoHandleCameAfterIt() {
    let lost = InterruptionCause.connectionLost("reset")
    let loss = report(lost, at: 60, handleAge: 1, uncertainBytes: bytes)
    #expect(broken(loss).count == 1)
    #expect(broken(report(lost, at: 59, handleAge: 9, held: 3), loss) == [])
    #expect(broken(report(lost, at: 59, handleAge: 9, held: 2), loss).count == 1)
    // The handle came long after what was sent then.
    #expect(broken(report(lost, at: 50, handleAge: 9, held: 3), loss).count == 1)
  }
}
