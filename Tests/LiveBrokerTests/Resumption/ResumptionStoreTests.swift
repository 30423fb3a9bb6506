// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct ResumptionStoreTests {
  static let noon = WallTime(nanosecondsSinceEpoch: 1_800_000_000_000_000_000)

  static func record(_ handle: String) -> StoredResumption {
    StoredResumption(
      handle: Secret(handle), model: "models/m", savedAt: noon,
      expiresAt: noon.advanced(by: .seconds(7_200)))
  }

  @Test func aStoreKeepsTheNewestRecordOfEachSession() async throws {
    let store: any ResumptionStore = InMemoryResumptionStore()
    try await store.save(Self.record("a1"), for: "a")
    try await store.save(Self.record("b1"), for: "b")
    try await store.save(Self.record("a2"), for: "a")
    #expect(try await store.load("a") == Self.record("a2"))
    try await store.remove("a")
    try await store.remove("never there")
    #expect(try await store.load("a") == nil)
    #expect(try await store.load("b") == Self.record("b1"))
  }

  @Test(arguments: [(0, 7_200), (3_600, 3_600), (7_200, 0), (9_000, 0), (-500, 7_200)])
  func aRecordKnowsHowLongItsHandleCanBeUsed(secondsLater: Int, remaining: Int) {
    let now = Self.noon.advanced(by: .seconds(secondsLater))
    #expect(Self.record("a").remaining(at: now) == .seconds(remaining))
  }

  @Test func aRecordDoesNotShowItsHandle() {
    #expect(!"\(Self.record("very-secret"))".contains("very-secret"))
  }

  @Test func aHandleOutlivesTheActorOfItsSession() {
    let executor = StepExecutor()
    let resumption = Resumption(ResumptionMachine(), at: Residence(executor))
    executor.execute {
      resumption.assumeIsolated { resumption in
        _ = resumption.handle(.setupSent(generation: 1), at: second(1))
        let update = ResumptionMachine.Input.updated(
          handle: Secret("h"), resumable: true, generation: 1)
        #expect(resumption.handle(update, at: second(2)) == .persist)
        #expect(resumption.handleForDial(at: second(3))?.reveal() == "h")
        #expect(resumption.snapshot.isCurrent)
      }
    }
    executor.drain()
  }
}
