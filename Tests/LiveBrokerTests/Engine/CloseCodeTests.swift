// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// Every close that the field has seen, in every phase: the session ends once with a reason, or is
/// live again.
@Suite struct CloseCodeTests {
  enum Phase: CaseIterable { case freshSetup, resumingSetup, live }

  /// Protocol notes E.1, and what must come of each: in a fresh setup, in a resume, while live.
  static let notices:
    [(notice: CloseNotice, stopsFresh: Bool, stopsResume: Bool, stopsLive: Bool)] =
      [
        (.normal, false, false, false), (.cancelled, false, false, false),
        (CloseNotice(code: 1001, reason: "going away"), false, false, false),
        (.invalidArgument, true, false, false), (.preconditionFailed, true, false, false),
        (CloseNotice(code: 1007, reason: "Unknown name \"x\" at 'setup'"), true, true, true),
        (.explicitActivity, true, true, true), (.modalityUnsupported, true, true, true),
        (
          CloseNotice(code: 1007, reason: "User location is not supported for the API use"),
          true, true, true
        ),
        (.keyInvalid, true, true, true), (.tokenMalformed, true, true, true),
        (.projectScoped, true, true, true), (.handleInvalid, false, false, false),
        (.sessionNotFound, false, false, false),
        (CloseNotice(code: 1008, reason: "Requested entity was not found."), true, false, true),
        (
          CloseNotice(code: 1008, reason: "models/x is not found for API version v1alpha"),
          true, true, true
        ),
        (.aborted, false, false, false), (.ignoredGoAway, false, false, false),
        (.notImplemented, false, false, false),
        (CloseNotice(code: 1009, reason: "message too big"), false, false, false),
        (.internalError, false, false, false), (.unavailable, false, false, false),
        (.deadlineExpired, false, false, false), (.overloaded, false, false, false),
        (.quotaExceeded, false, false, false), (.tokenUsedUp, false, false, false),
        (.tokenExpired, false, false, false), (.tokenExpiredWhileOpen, false, false, false),
        (.sessionInUse, false, false, false),
        (CloseNotice(code: 1011, reason: "keepalive ping timeout"), false, false, false),
        (CloseNotice(code: 4999, reason: "something new"), false, false, false),
      ]

  @Test(arguments: Phase.allCases)
  func everyCloseEndsTheSessionOnceWithAReasonOrIsRecoveredFrom(phase: Phase) throws {
    for (notice, stopsFresh, stopsResume, stopsLive) in Self.notices {
      let stops =
        switch phase {
        case .freshSetup: stopsFresh
        case .resumingSetup: stopsResume
        case .live: stopsLive
        }
      let (end, witness) = try outcome(of: notice, in: phase)
      let label = "\(notice.code) \(notice.reason) in \(phase)"
      if stops {
        #expect(end?.isFailure == true && end?.closeCode == notice.code, "\(label): \(end as Any)")
      } else {
        #expect(end == nil, "\(label): \(end as Any)")
        #expect(witness.text.contains("probe-ok"), "\(label)")
      }
      #expect(witness.endings <= 1, "\(label)")
    }
  }

  private func outcome(
    of notice: CloseNotice, in phase: Phase
  ) throws -> (SessionEnd?, Witness) {
    let stand = TestStand { $0.connections.setupProcessing = .milliseconds(200) }
    return try stand.run { stand in
      let witness = Witness(clock: stand.simulation.clock)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        if phase == .freshSetup { group.addTask { try await stand.closeNextSetup(notice) } }
        let session: LiveSession
        do throws(BrokerError) {
          session = try await stand.broker.openSession(stand.configuration())
        } catch {
          group.cancelAll()
          return (error.end, witness)
        }
        witness.listen(to: session, in: &group)
        try await stand.sleep(.seconds(5))
        switch phase {
        case .freshSetup: break
        case .live: stand.inject(.close(notice))
        case .resumingSetup:
          stand.inject(.drop)
          try await stand.closeNextSetup(notice)
        }
        try await stand.sleep(.seconds(60))
        let end = session.end
        try? await session.send(text: "probe")
        try await stand.sleep(.seconds(40))
        await session.close()
        try await group.waitForAll()
        return (end, witness)
      }
    }
  }
}
