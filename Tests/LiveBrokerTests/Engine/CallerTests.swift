// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct CallerTests {
  @Test func aCallerWhoIsCancelledWhileOpeningLeavesNothing() throws {
    for moment in stride(from: 0, through: 400, by: 20) {
      let stand = TestStand(seed: UInt64(moment))
      let (code, snapshot) = try stand.run { stand in
        let error = await withTaskGroup(of: BrokerError?.self) { group in
          group.addTask {
            do throws(BrokerError) {
              let session = try await stand.broker.openSession(stand.configuration())
              await session.close()
              return nil
            } catch { return error }
          }
          if moment > 0 { try? await stand.sleep(.milliseconds(moment)) }
          group.cancelAll()
          return await group.next() ?? nil
        }
        try await stand.sleep(.seconds(10))
        return (error?.end?.code, await stand.broker.snapshot())
      }
      #expect(code == nil || code == .cancelled, "cancelled after \(moment) ms")
      #expect(moment > 100 || code == .cancelled, "cancelled after \(moment) ms")
      #expect(snapshot.open == 0)
      #expect(stand.network.figures.openSockets == 0)
    }
  }

  @Test func aCancelledSendIsNotSentAndTheNextOneIs() throws {
    let stand = TestStand()
    let error = try stand.run { stand in
      let configuration = stand.configuration { $0.outbox.byteLimit = 100 }
      let session = try await stand.broker.openSession(configuration)
      try await stand.sleep(.seconds(2))
      stand.network.withService { $0.refuseNextUpgrades(100) }
      stand.inject(.drop)
      try await stand.sleep(.seconds(1))
      try await session.send(.realtimeInput(.init(text: "first")))
      let error = await withTaskGroup(of: BrokerError?.self) { group in
        group.addTask {
          do throws(BrokerError) {
            try await session.send(
              .realtimeInput(.init(text: "never, since it finds no room before it is cancelled")))
            return nil
          } catch { return error }
        }
        try? await stand.sleep(.seconds(1))
        group.cancelAll()
        return await group.next() ?? nil
      }
      stand.network.withService { $0.refuseNextUpgrades(0) }
      try await session.send(.realtimeInput(.init(text: "second")))
      try await stand.sleep(.seconds(60))
      await session.close()
      return error
    }
    #expect(error?.code == .cancelled)
    #expect(
      stand.soleAccount()?.remembered.items.map(\.kind) == [.text("first"), .text("second")])
  }

  @Test func aCancelledReaderLosesNoMessage() throws {
    let stand = TestStand()
    let (errors, chunks) = try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      try await session.send(text: "a long answer, please")
      var errors = 0
      var chunks = 0
      var isOver = false
      while !isOver {
        let message = await withTaskGroup(of: Result<SessionMessage?, BrokerError>.self) { group in
          group.addTask {
            var messages = session.messages.makeAsyncIterator()
            do throws(BrokerError) { return .success(try await messages.next()) } catch {
              return .failure(error)
            }
          }
          try? await stand.sleep(.milliseconds(37))
          group.cancelAll()
          return await group.next() ?? .success(nil)
        }
        switch message {
        case .failure(let error): if error.code == .cancelled { errors += 1 } else { isOver = true }
        case .success(let message):
          let parts = message?.serverContent?.modelTurn?.parts ?? []
          chunks += parts.count { $0.inlineData != nil }
          isOver = message == nil || message?.serverContent?.turnComplete == true
        }
      }
      return (errors, chunks)
    }
    #expect(errors > 10)
    #expect(chunks == 100)
  }

  @Test func callersOfAnEndedSessionAreToldSo() throws {
    let stand = TestStand()
    try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration(), id: "a")
      let duplicate = await #expect(throws: BrokerError.self) {
        try await stand.broker.openSession(stand.configuration(), id: "a")
      }
      #expect(duplicate?.code == .duplicateID)
      await session.close()
      let sending = await #expect(throws: BrokerError.self) { try await session.send(text: "x") }
      #expect(sending?.code == .sessionEnded)
      var messages = session.messages.makeAsyncIterator()
      #expect(try await messages.next() == nil)
      for await _ in session.transitions {}
      for await _ in session.reconnects {}
      await session.close()
    }
  }

  @Test func whatTheServiceWouldHangUpOnIsRefusedAndTheSessionGoesOn() throws {
    let stand = TestStand()
    try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      let results: [JSONValue] = ["text", ["a"], 1, true]
      let messages: [ClientMessage] =
        results.map {
          .toolResponse(
            ToolResponse(functionResponses: [
              FunctionResponse(id: "1", name: "f", response: ["ok": true]),
              FunctionResponse(id: "2", name: "f", response: $0),
            ]))
        } + [
          .unknown("text"), .unknown([]), .unknown(.null), .unknown(["setup": [:]]),
          .setup(Setup(model: "m")),
        ]
      for message in messages {
        do throws(BrokerError) {
          try await session.send(message)
          Issue.record("\(message) was sent")
        } catch {
          #expect(error.code == .invalidMessage, "\(error)")
        }
      }
      #expect(try await session.ask("probe 1").contains("probe"))
    }
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func aThousandOpensAndClosesLeaveNothing() throws {
    let stand = TestStand { $0.model.verbosity = .brief }
    let (snapshot, timers) = try stand.run { stand in
      for round in 0..<20 {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<50 {
            group.addTask {
              let session = try await stand.broker.openSession(
                stand.configuration(label: "\(round)-\(number)"))
              if number % 5 == 0 { try await session.send(text: "hello") }
              if number % 7 == 0 { session.injectFault("injected") }
              if number % 3 == 0 { try await stand.sleep(.milliseconds(number * 20)) }
              await session.close()
            }
          }
          try await group.waitForAll()
        }
      }
      // A handle's life later, the pool and the service have nothing to wait for either.
      try await stand.sleep(.seconds(3 * 3_600))
      return (await stand.broker.snapshot(), stand.simulation.timersWaiting)
    }
    #expect(snapshot.open == 0 && snapshot.opened == 1_000 && snapshot.ended == 1_000)
    #expect(snapshot.failed == 0)
    #expect(stand.network.figures.openSockets == 0)
    #expect(stand.totals.connectionsOpen == 0)
    #expect(timers == 0)
  }
}
