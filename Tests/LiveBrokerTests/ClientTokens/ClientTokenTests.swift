// SPDX-License-Identifier: Apache-2.0

import Foundation
import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker

/// Notes each request on its way to the stand's minter, and lets it wait in virtual time.
final class NotingMinter: TokenMinter {
  struct Noted: Sendable {
    var requests: [TokenRequest] = []
    var underWay = 0
    var peak = 0
    var aborted = 0
    var inner: (any TokenMinter)?
    var clock: SimulatedClock?
  }

  private let state = Mutex(Noted())
  private let delay: Duration

  init(delay: Duration = .zero) { self.delay = delay }

  var noted: Noted { state.withLock { $0 } }

  /// A stand whose clients' tokens come through this minter.
  func stand(_ change: (inout BrokerConfiguration) -> Void = { _ in }) -> TestStand {
    let stand = TestStand(broker: { configuration in
      if case .tokens(let minter, _) = configuration.credentials.kind {
        state.withLock { $0.inner = minter }
      }
      configuration.clientTokens.minter = self
      change(&configuration)
    })
    state.withLock { $0.clock = stand.simulation.clock }
    return stand
  }

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    let (inner, clock) = state.withLock { state in
      state.requests.append(request)
      state.underWay += 1
      state.peak = max(state.peak, state.underWay)
      return (state.inner, state.clock)
    }
    defer { state.withLock { $0.underWay -= 1 } }
    do { try await clock?.sleep(for: delay) } catch {
      state.withLock { $0.aborted += 1 }
      throw MintError(.cancelled, message: "aborted")
    }
    guard let inner else { throw MintError(.unreachable, message: "no stand") }
    return try await inner.mint(request)
  }
}

@Suite struct ClientTokenTests {
  private func code(_ body: () async throws -> Void) async -> MintError.Code? {
    do { try await body() } catch { return (error as? MintError)?.code }
    return nil
  }

  @Test func premiumFreeAndDemoClientsGetWhatTheyMay() throws {
    let stand = TestStand()
    try stand.run { stand in
      let clock = stand.simulation.clock
      try await stand.sleep(.seconds(1))
      let now = clock.wallTime
      let premium = try await stand.broker.vendToken(Customer.premium.order(at: now))
      let free = try await stand.broker.vendToken(Customer.free.order(at: now))
      let demo = try await stand.broker.vendToken(Customer.demo.order(at: now))
      #expect([premium, free, demo].map(\.uses) == [10, 1, 1] as [Int])
      #expect([premium, free, demo].map(\.usesRemaining) == [10, 1, 1] as [Int?])
      #expect(premium.lock == nil && demo.lock == .everything)
      #expect(free.lock == .fieldsOfSetupAnd(["systemInstruction", "tools"]))
      for (token, life, window) in [(premium, 3_600, 1_800), (free, 600, 120)] {
        let spans = [token.expireTime, token.newSessionExpireTime].map(token.createTime.duration)
        #expect(abs(spans[0].components.seconds - Int64(life)) <= 2, "\(spans)")
        #expect(abs(spans[1].components.seconds - Int64(window)) <= 2, "\(spans)")
      }
      #expect(demo.expireTime == WallTime(rfc3339: "2026-01-01T01:00:00Z"))
      #expect(Set([premium.name, free.name, demo.name]).count == 3)
      let text = try await token(for: .free, from: stand.broker, at: now)
      #expect(text.hasPrefix("auth_tokens/"))
    }
  }

  @Test func theServiceHoldsEachTokenToItsOrder() throws {
    let stand = TestStand(network: { $0.mintProcessing = .zero })
    try stand.run { stand in
      try await stand.sleep(.seconds(1))
      let token = try await stand.broker.vendToken(
        TokenOrder(uses: 2, lifetime: .after(.seconds(90)), newSessionWindow: .after(.seconds(20))))
      func open(_ token: EphemeralToken) async throws -> RawSocket {
        let socket = RawSocket(stand)
        try await socket.open(token.name)
        try await stand.sleep(.seconds(1))
        return socket
      }
      let first = try await open(token)
      let second = try await open(token)
      let third = try await open(token)
      #expect(first.isSetUp && second.isSetUp && !third.isSetUp)
      #expect(third.closeReason?.contains("too many times") == true)
      let order = TokenOrder(newSessionWindow: .after(.seconds(20)))
      let unused = try await stand.broker.vendToken(order)
      try await stand.sleep(.seconds(22))
      #expect(try await !open(unused).isSetUp)
      #expect(first.closeCode == nil)
      try await stand.sleep(.seconds(90))
      #expect(first.closeReason?.contains("expired") == true)
    }
  }

  @Test func lockedFieldsAreEnforcedAgainstARemoteClient() throws {
    let stand = TestStand()
    try stand.run { stand in
      var setup = Setup(model: "models/m")
      setup.labels = ["session": "ours"]
      let token = try await stand.broker.vendToken(TokenOrder(setup: setup, lock: .fieldsOfSetup))
      #expect(token.lock == .fieldsOfSetup)
      try await RawSocket(stand).open(
        token.name, #"{"setup":{"model":"models/m","labels":{"session":"theirs"}}}"#)
      try await stand.sleep(.seconds(1))
    }
    #expect(stand.network.withService { $0.report("ours").sessions.count } == 1)
    #expect(stand.network.withService { $0.report("theirs").sessions.isEmpty })
  }

  @Test func limitsAreCheckedBeforeTheWire() throws {
    let minter = NotingMinter()
    let stand = minter.stand()
    let bad: [TokenOrder] = [
      TokenOrder(uses: -1), TokenOrder(uses: 1 << 31), TokenOrder(lifetime: .after(.zero)),
      TokenOrder(lifetime: .after(.seconds(20 * 3_600))),
      TokenOrder(newSessionWindow: .after(.seconds(-1))),
      TokenOrder(newSessionWindow: .at(WallTime(nanosecondsSinceEpoch: 0))),
      TokenOrder(minimumWindow: .seconds(59)), TokenOrder(lock: .everything),
      TokenOrder(lock: .fieldsOfSetup), TokenOrder(setup: .blank, lock: .fieldsOfSetup),
      TokenOrder(setup: Setup(model: "m"), lock: .fieldsOfSetupAnd(["sessionResumption"])),
      TokenOrder(options: MintOptions(timeout: .zero)),
      TokenOrder(options: MintOptions(headers: [.init(name: "a b", value: "x")])),
      TokenOrder(options: MintOptions(headers: [.init(name: "a", value: "x\r\ny: z")])),
      TokenOrder(options: MintOptions(headers: [.init(name: "X-Goog-Api-Key", value: "k")])),
    ]
    try stand.run { stand in
      for order in bad {
        #expect(await code { _ = try await stand.broker.vendToken(order) } == .invalidRequest)
      }
      #expect(minter.noted.requests.isEmpty)
      // What only pins defaults needs no setup.
      let token = try await stand.broker.vendToken(TokenOrder(lock: .fieldsOfSetupAnd(["tools"])))
      #expect(token.lock == .fieldsOfSetupAnd(["tools"]))
    }
  }

  @Test func aBrokerWithoutAMinterAndOneOnVertexSayThatTheyHaveNoTokens() throws {
    let sources: [CredentialSource] = [
      .apiKey(Secret("k")), .vertexExpress(key: Secret("k")),
      .vertex(VertexPlace(project: "p")) { .accessToken(Secret("t")) },
    ]
    for source in sources {
      let stand = TestStand(broker: { $0 = BrokerConfiguration(credentials: source) })
      try stand.run { stand in
        #expect(await code { _ = try await stand.broker.vendToken() } == .unsupported)
      }
      #expect(stand.network.figures.mintsSeen == 0)
    }
  }

  @Test func aSessionOnVertexOpensWithItsBearer() throws {
    let place = VertexPlace(project: "p")
    let credentials = CredentialSource.vertex(place) { .accessToken(Secret("t")) }
    let stand = TestStand(broker: { $0 = BrokerConfiguration(credentials: credentials) })
    let answer = try stand.run { stand in
      try await stand.broker.withSession(stand.configuration()) { try await $0.ask("probe 1") }
    }
    #expect(answer.contains("probe"))
  }

  @Test func credentialsAtTheWrongServiceAreRefusedBeforeAnythingIsDialled() throws {
    let stand = TestStand(broker: { $0.endpoint = VertexPlace.express.endpoint })
    let codes = Mutex<[BrokerError.Code]>([])
    try stand.simulation.run {
      do { try await stand.broker.run() } catch let error as BrokerError {
        codes.withLock { $0.append(error.code) }
      }
      do throws(BrokerError) {
        _ = try await stand.broker.openSession(stand.configuration())
      } catch {
        codes.withLock { $0.append(error.code) }
      }
    }
    #expect(codes.withLock { $0 } == [.invalidConfiguration, .invalidConfiguration])
  }

  @Test func headersAndTimeOutOfAnOrderReachTheMinter() throws {
    let minter = NotingMinter()
    try minter.stand().run { stand in
      let options = MintOptions(
        headers: [.init(name: "X-Trace", value: "abc")], timeout: .seconds(7))
      _ = try await stand.broker.vendToken(TokenOrder(options: options))
    }
    let request = try #require(minter.noted.requests.first)
    let recorded = try FixtureCorpus.file("auth_tokens/extra_header_and_timeout.request.json")
    for header in request.options.requestHeaders {
      #expect(recorded["request"]?["headers"]?[header.name]?.string == header.value)
    }
    #expect(request.options.requestHeaders.count == 2)
  }

  @Test func cancellingTheCallerAbortsItsRequest() throws {
    let minter = NotingMinter(delay: .seconds(5))
    let stand = minter.stand()
    try stand.run { stand in
      await withTaskGroup(of: MintError.Code?.self) { group in
        group.addTask { await code { _ = try await stand.broker.vendToken() } }
        try? await stand.sleep(.seconds(1))
        group.cancelAll()
        #expect(await group.next() == .cancelled)
      }
      #expect(minter.noted.aborted == 1)
      #expect(stand.simulation.clock.now < EngineInstant.zero.advanced(by: .seconds(2)))
    }
  }

  @Test func anOrderThatTakesTooLongIsAborted() throws {
    let minter = NotingMinter(delay: .seconds(500))
    let stand = minter.stand()
    try stand.run { stand in
      let order = TokenOrder(options: MintOptions(timeout: .seconds(3)))
      #expect(await code { _ = try await stand.broker.vendToken(order) } == .unreachable)
      #expect(stand.simulation.clock.now == EngineInstant.zero.advanced(by: .seconds(3)))
      #expect(await code { _ = try await stand.broker.vendToken() } == .unreachable)
      #expect(stand.simulation.clock.now == EngineInstant.zero.advanced(by: .seconds(13)))
      #expect(minter.noted.aborted == 2)
    }
  }

  @Test func aTokenThatCameTooLateForItsWindowIsNotHandedOut() throws {
    let stand = NotingMinter(delay: .seconds(9)).stand()
    try stand.run { stand in
      let order = TokenOrder(
        newSessionWindow: .after(.seconds(12)), minimumWindow: .seconds(8))
      #expect(await code { _ = try await stand.broker.vendToken(order) } == .unavailable)
    }
  }

  @Test func ordersTakeTurnsAndAllAreServed() throws {
    let minter = NotingMinter(delay: .milliseconds(100))
    let stand = minter.stand { $0.clientTokens.maximumConcurrentMints = 4 }
    let tokens = try stand.run { stand in
      try await withThrowingTaskGroup(of: EphemeralToken.self) { group in
        for _ in 0..<50 { group.addTask { try await stand.broker.vendToken() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
    }
    #expect(Set(tokens.map(\.name)).count == 50)
    #expect(minter.noted.peak == 4)
    #expect(stand.broker.clientTokens.outstanding == 50)
  }

  @Test func whoWaitsForItsTurnCanBeCancelledAndTheNextOneGoesOn() throws {
    let stand = NotingMinter(delay: .seconds(2)).stand {
      $0.clientTokens.maximumConcurrentMints = 1
    }
    try stand.run { stand in
      await withTaskGroup(of: MintError.Code?.self) { group in
        group.addTask { await code { _ = try await stand.broker.vendToken() } }
        try? await stand.sleep(.milliseconds(10))
        group.addTask {
          await withTaskGroup(of: MintError.Code?.self) { waiting in
            waiting.addTask { await code { _ = try await stand.broker.vendToken() } }
            try? await stand.sleep(.milliseconds(20))
            waiting.cancelAll()
            return await waiting.next() ?? nil
          }
        }
        try? await stand.sleep(.milliseconds(10))
        group.addTask { await code { _ = try await stand.broker.vendToken() } }
        var codes: [MintError.Code?] = []
        for await code in group { codes.append(code) }
        #expect(codes == [.cancelled, nil, nil])
      }
      #expect(stand.broker.clientTokens.outstanding == 2)
    }
  }

  @Test func aPlaceIsTakenUntilTheTokenExpiresOrIsGivenBack() throws {
    let stand = TestStand(broker: { $0.clientTokens.maximumOutstanding = 2 })
    try stand.run { stand in
      let broker = stand.broker
      let first = try await broker.vendToken(TokenOrder(lifetime: .after(.seconds(100))))
      _ = try await broker.vendToken(TokenOrder(lifetime: .after(.seconds(100))))
      #expect(await code { _ = try await broker.vendToken() } == .exhausted)
      broker.releaseToken(first)
      broker.releaseToken(first)
      _ = try await broker.vendToken()
      #expect(await code { _ = try await broker.vendToken() } == .exhausted)
      try await stand.sleep(.seconds(103))
      _ = try await broker.vendToken()
    }
  }

  @Test func timesAreExactThoughThisHostsCalendarIsWrong() throws {
    let stand = TestStand()
    try stand.run { stand in
      stand.simulation.clock.stepWallTime(by: .seconds(-600))
      let order = TokenOrder(
        lifetime: .after(.seconds(900)), newSessionWindow: .after(.seconds(30)))
      let before = stand.simulation.clock.wallTime.advanced(by: .seconds(600))
      let token = try await stand.broker.vendToken(order)
      #expect(abs(before.duration(to: token.expireTime).components.seconds - 900) <= 2)
      #expect(abs(before.duration(to: token.newSessionExpireTime).components.seconds - 30) <= 2)
      // The first one was reckoned by the wrong calendar, and thrown away.
      #expect(stand.network.figures.mintsSeen == 2)
      _ = try await stand.broker.vendToken(order)
      #expect(stand.network.figures.mintsSeen == 3)
    }
  }

  @Test func ordersEndWithTheBroker() throws {
    let stand = NotingMinter(delay: .seconds(5)).stand()
    let codes = try stand.simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await stand.broker.run() }
        async let first = code { _ = try await stand.broker.vendToken() }
        try await stand.sleep(.seconds(1))
        group.cancelAll()
        try? await group.waitForAll()
        return [await first, await code { _ = try await stand.broker.vendToken() }]
      }
    }
    #expect(codes == [.stopped, .stopped])
  }

  @Test func aTokenWithoutALimitOfUsesSaysSo() throws {
    let minter = NotingMinter()
    try minter.stand().run { stand in
      let token = try await stand.broker.vendToken(TokenOrder(uses: 0))
      #expect(token.uses == 0 && token.usesRemaining == nil)
    }
    #expect(minter.noted.requests.map(\.uses) == [0])
  }

  @Test func theNameIsInNoDescription() throws {
    try TestStand().run { stand in
      let token = try await stand.broker.vendToken(
        Customer.premium.order(
          at: WallTime(
            nanosecondsSinceEpoch: 0)))
      var text = "\(token) \(String(reflecting: token))"
      dump(token, to: &text)
      #expect(!text.contains("auth_tokens/") && !text.contains(token.name.reveal()))
    }
  }

  @Test func theGuidesExampleIsTheOneThatRuns() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
    let guide = try String(
      contentsOf: root.appending(path: "../../../docs/tokens.md").standardized, encoding: .utf8)
    let block = try #require(guide.split(separator: "```swift\n", maxSplits: 1).dropFirst().first)
    let shown = try #require(block.split(separator: "\n```", maxSplits: 1).first)
    let source = try String(
      contentsOf: root.appending(path: "ThreeClients.swift"), encoding: .utf8)
    let run = try #require(source.split(separator: "// GUIDE\n", maxSplits: 1).last)
    #expect(shown.split(separator: "\n") == run.split(separator: "\n"))
  }
}
