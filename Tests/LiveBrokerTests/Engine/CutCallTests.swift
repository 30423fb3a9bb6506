// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

/// A connection that ends while a function call is pending: no result is lost in silence, and none is
/// given to a connection that does not know the call.
@Suite struct CutCallTests {
  static let notices: [CloseNotice?] = [
    nil, .notImplemented, .internalError, .aborted, .cancelled, .normal, .unavailable,
  ]

  /// Asks for a tool on a service that ends the connection in the call, and answers every call after
  /// `thought` milliseconds.
  private func talk(
    _ notice: CloseNotice?, _ moment: CallMoment, thought: Int
  ) throws -> (witness: Witness, stand: TestStand, snapshot: BrokerSnapshot) {
    let stand = TestStand()
    let (witness, snapshot) = try stand.run { stand in
      try await stand.listening { session, witness in
        try await stand.sleep(.seconds(5))
        stand.inject(.endInCall(notice, moment))
        try await session.send(text: "use a tool")
        try await serve(session, witness, thought: thought, for: .seconds(30), stand)
        return (witness, await stand.broker.snapshot())
      }
    }
    return (witness, stand, snapshot)
  }

  /// Answers every call that has not been taken back meanwhile.
  private func serve(
    _ session: LiveSession, _ witness: Witness, thought: Int, for time: Duration,
    _ stand: TestStand
  ) async throws {
    let end = stand.now.advanced(by: time)
    var seen = 0
    while stand.now < end, session.end == nil {
      try await stand.sleep(.milliseconds(10))
      for call in witness.calls.dropFirst(seen) {
        seen += 1
        try await stand.sleep(.milliseconds(thought))
        guard let id = call.id, !witness.cancelledCalls.contains(id) else { continue }
        try await answer(call, of: session)
      }
    }
  }

  private func answer(_ call: FunctionCall, of session: LiveSession) async throws {
    let response = FunctionResponse(id: call.id, name: call.name, response: ["answer": "forty-two"])
    do throws(BrokerError) {
      try await session.send(.toolResponse(ToolResponse(functionResponses: [response])))
    } catch {
      // Taken back in this moment, or the session is over.
      guard error.code == .unknownCall || session.end != nil else { throw error }
    }
  }

  @Test(arguments: notices, CallMoment.allCases)
  func aCallThatIsCutOffIsMadeAgainAndAnsweredOnTheNewConnection(
    _ notice: CloseNotice?, _ moment: CallMoment
  ) throws {
    for thought in [0, 30, 500, 4_000] {
      let (witness, stand, snapshot) = try talk(notice, moment, thought: thought)
      let name = "answered after \(thought) ms: \(witness.reconnects)"
      let report = try #require(witness.reconnects.first, "\(name)")
      #expect(witness.reconnects.count == 1 && report.outcome == .resumed, "\(name)")
      #expect(report.uncertain.textMessages == 1 && report.resentMessages == 1, "\(name)")
      // The question was sent again, so that the model called again.
      #expect(witness.calls.count == 2 && Set(witness.calls.compactMap(\.id)).count == 2)
      // What became of the first call: cancelled if it was open, told if its result had been sent.
      if moment == .behindCall, thought > 30 {
        #expect(report.lostCalls == ["lookup"], "\(name)")
      }
      let isTold = report.lostCalls == ["lookup"] || report.uncertain.toolResponses == 1
      #expect(isTold, "\(name)")
      #expect(report.lostCalls.isEmpty == witness.cancelledCalls.isEmpty, "\(name)")
      let account = try #require(stand.soleAccount())
      #expect(account.remembered.tallies.toolResponses.count == 1, "\(name)")
      #expect(account.pendingCalls.isEmpty && account.turns == 1, "\(name)")
      #expect(witness.text.contains("forty-two"), "\(name)")
      #expect(stand.promisesBroken.isEmpty, "\(name): \(stand.promisesBroken)")
      #expect(snapshot.failed == 0 && snapshot.faults == 0)
    }
  }

  @Test func aQuestionWhoseEveryCallIsCutEndsTheSessionAndNotTheBudgetOfTheService() throws {
    let stand = TestStand { $0.faults.callDrops = 1 }
    let witness = try stand.run { stand in
      let configuration = stand.configuration { $0.retry.attemptsPerOutage = 5 }
      return try await stand.listening(to: configuration) { session, witness in
        try await session.send(text: "use a tool")
        try await serve(session, witness, thought: 0, for: .seconds(600), stand)
        return witness
      }
    }
    #expect(witness.failure?.end?.code == .outOfAttempts)
    #expect(witness.calls.count <= 7)
    #expect(
      witness.reconnects.allSatisfy {
        $0.lostCalls == ["lookup"] || $0.uncertain.toolResponses == 1
      })
    #expect(stand.promisesBroken.isEmpty)
  }
}
