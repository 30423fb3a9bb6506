// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker

/// What could not be saved, it says: the smaller cases.
@Suite struct HonestyTests {
  // MARK: Text beyond the ledger's bounds

  @Test func textThatIsTooMuchToKeepIsReportedAndNotKept() throws {
    let stand = TestStand()
    let (report, snapshot, records) = try stand.run { stand in
      let configuration = stand.configuration { $0.outbox.recordLimit = 50 }
      return try await stand.listening(to: configuration) { session, witness in
        try await stand.sleep(.seconds(5))
        stand.inject(.withholdHandles(true))
        for number in 0..<200 {
          try await session.send(.realtimeInput(.init(text: "note \(number)")))
          try await stand.sleep(.milliseconds(20))
        }
        let records = await session.port.shard.ledgerRecords(of: session.port.address)
        stand.inject(.drop)
        try await stand.sleep(.seconds(20))
        return (witness.reconnects.first, await stand.broker.snapshot(), records)
      }
    }
    let told = try #require(report)
    #expect(records == 50)
    #expect(told.uncertain.textMessages == 200)
    #expect(told.resentMessages + told.unkeptMessages == 200)
    #expect(told.unkeptMessages == 151)
    #expect(snapshot.unkeptMessages == 151)
  }

  // MARK: Activity marks

  private func spoken(
    _ change: @escaping @Sendable (inout SessionConfiguration) -> Void = { _ in }
  ) throws -> (Witness, SessionReport, TestStand) {
    let stand = TestStand()
    let witness = try stand.run { stand in
      let configuration = stand.configuration {
        $0.setup.realtimeInputConfig = RealtimeInputConfig(
          automaticActivityDetection: AutomaticActivityDetection(disabled: true))
        change(&$0)
      }
      return try await stand.listening(to: configuration) { session, witness in
        try await stand.sleep(.seconds(3))
        try await session.send(.realtimeInput(.init(activityStart: true)))
        try await stand.speak(session, for: .seconds(4))
        // The end of speech goes down with its connection.
        stand.inject(.drop)
        try await session.send(.realtimeInput(.init(activityEnd: true)))
        try await stand.sleep(.seconds(20))
        return witness
      }
    }
    return (witness, try #require(stand.soleAccount()), stand)
  }

  @Test func theEndOfAnActivityThatWasLostIsToldAndSentAgain() throws {
    let (witness, account, stand) = try spoken()
    let report = try #require(witness.reconnects.first)
    #expect(report.uncertain.activityMarks == 1)
    #expect(report.resentMessages == 1)
    #expect(account.remembered.items.contains { $0.kind == .activityEnd })
    #expect(witness.turnsEnded == 1)
    #expect(stand.promisesBroken.isEmpty)
  }

  @Test func marksAreOnlyToldIfNothingIsToBeSentAgain() throws {
    let (witness, account, _) = try spoken { $0.outbox.uncertainText = .report }
    let report = try #require(witness.reconnects.first)
    #expect(report.uncertain.activityMarks == 1)
    #expect(report.resentMessages == 0)
    #expect(!account.remembered.items.contains { $0.kind == .activityEnd })
  }

  @Test func theEndOfAnActivityOfTheOldConversationIsNotSentToANewOne() {
    func mark(_ marks: PreparedMessage.Marks) -> Outbox.Item {
      var message = PreparedMessage(frame: [1], kind: .activity)
      message.marks = marks
      return Outbox.Item(message: message, acceptedAt: .zero)
    }
    let marks = [mark(.end), mark(.streamEnd), mark(.start), mark(.end)]
    var fresh = Resending(isFresh: true)
    var resumed = Resending(isFresh: false)
    for item in marks {
      fresh.consider(item)
      resumed.consider(item)
    }
    #expect(fresh.items.map(\.message.marks) == [.start, .end])
    #expect(resumed.items.count == 4)
  }

  @Test func marksBesideMediaAreCounted() throws {
    var input = RealtimeInput(activityStart: true)
    input.audio = Blob(mimeType: "audio/pcm;rate=16000", data: [1, 2])
    var losses = Losses()
    losses.add(
      Outbox.Item(
        message: try PreparedMessage(.realtimeInput(input)), acceptedAt: .zero, audio: 0..<2))
    #expect(losses.activityMarks == 1 && losses.audioBytes == 2)
  }

  // MARK: A service that forgot

  @Test(arguments: [true, false])
  func aServiceThatTookTheHandleAndForgotIsDoubted(forgets: Bool) throws {
    let log = ObserverLog()
    let stand = TestStand(broker: { $0.observer = log })
    let (doubt, snapshot) = try stand.run { stand in
      try await stand.listening { session, _ in
        try await session.send(text: String(repeating: "remember this. ", count: 100))
        try await stand.sleep(.seconds(20))
        if forgets { stand.inject(.forgetOnResume) }
        stand.inject(.drop)
        try await stand.sleep(.seconds(10))
        #expect(session.memoryDoubt == nil)
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(10))
        return (session.memoryDoubt, await stand.broker.snapshot())
      }
    }
    #expect((doubt != nil) == forgets)
    #expect(snapshot.doubtedResumes == (forgets ? 1 : 0))
    #expect(log.doubts == (forgets ? 1 : 0))
    if let doubt { #expect(doubt.promptTokensBefore > 100 && doubt.promptTokensAfter < 10) }
  }

  @Test func whatARollbackTookIsNoReasonToDoubtTheRest() throws {
    let stand = TestStand()
    let doubt = try stand.run { stand in
      try await stand.listening { session, _ in
        try await session.send(text: "hello, remember this")
        try await stand.sleep(.seconds(20))
        stand.inject(.withholdHandles(true))
        try await session.send(text: String(repeating: "and this. ", count: 100))
        try await stand.sleep(.seconds(20))
        stand.inject(.drop)
        try await stand.sleep(.seconds(5))
        try await session.send(text: "probe")
        try await stand.sleep(.seconds(20))
        return session.memoryDoubt
      }
    }
    #expect(doubt == nil)
  }

  // MARK: How a session began

  @Test func aSessionTellsWhatBecameOfTheHandleThatWasStored() throws {
    let store = InMemoryResumptionStore()
    let log = ObserverLog()
    let stand = TestStand(broker: {
      $0.store = store
      $0.observer = log
    })
    try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration(), id: "a")
      #expect(session.start == .fresh)
      _ = try await session.ask("hello")
      try await stand.sleep(.seconds(5))
    }
    let record = try stand.simulation.run { await store.load("a") }
    let stored = try #require(record)
    var strange = stored
    strange.handle = Secret("a-handle-that-nobody-knows")
    var old = stored
    old.expiresAt = .init(nanosecondsSinceEpoch: 1)
    for (record, expected) in [
      (strange, SessionStart.storedHandleRefused), (old, .storedHandleUnusable), (stored, .resumed),
    ] {
      let start = try stand.simulation.run {
        await store.save(record, for: "a")
        return try await stand.runAnother { broker in
          try await broker.openSession(stand.configuration(), id: "a").start
        }
      }
      #expect(start == expected)
    }
    #expect(log.starts == [.fresh, .storedHandleRefused, .storedHandleUnusable, .resumed])
  }

  @Test func aStoreThatCannotBeReadIsTold() throws {
    let stand = TestStand(broker: { $0.store = BrokenStore() })
    let start = try stand.run { stand in
      try await stand.broker.openSession(stand.configuration(), id: "a").start
    }
    #expect(start == .storeFailed)
  }
}

/// A store that never works.
private struct BrokenStore: ResumptionStore {
  struct Failure: Error {}
  func save(_ record: StoredResumption, for session: String) async throws { throw Failure() }
  func load(_ session: String) async throws -> StoredResumption? { throw Failure() }
  func remove(_ session: String) async throws { throw Failure() }
}

/// Notes what a broker's observer is told.
private final class ObserverLog: BrokerObserver {
  private let log = Mutex<(starts: [SessionStart], doubts: Int)>(([], 0))

  var starts: [SessionStart] { log.withLock { $0.starts } }
  var doubts: Int { log.withLock { $0.doubts } }

  func sessionStarted(id: String, _ start: SessionStart) {
    log.withLock { $0.starts.append(start) }
  }
  func sessionMemoryDoubted(id: String, _ doubt: MemoryDoubt) { log.withLock { $0.doubts += 1 } }
}

extension Shard {
  fileprivate func ledgerRecords(of address: SessionAddress) -> Int? {
    sessions[Int(address.slot)]?.assumeIsolated { $0.load?.ledger.count }
  }
}
