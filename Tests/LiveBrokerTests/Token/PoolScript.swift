// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// A pool's value and a service that answers its mints, on a clock of numbers: no task, no waiting.
struct PoolScript {
  struct Mint {
    var id: UInt64
    var request: TokenRequest
    var sentAt: EngineInstant
  }
  struct Delivery {
    var ticket: Ticket
    var result: Result<VendedToken, TokenPoolError>
    var at: EngineInstant
    var code: TokenPoolError.Code? {
      if case .failure(let error) = result { error.code } else { nil }
    }
    var token: VendedToken? { try? result.get() }
  }

  var machine: TokenPoolMachine
  var chance: SplitMix64
  var now = second(1)
  /// How long the service takes.
  var latency: Duration = .milliseconds(300)
  /// What the service answers; nil is no answer at all.
  var answer: (Mint) -> Result<MintedToken, MintError>? = { mint in
    .success(MintedToken(name: Secret("auth_tokens/\(mint.id)")))
  }
  var pending: [Mint] = []
  var mints: [Mint] = []
  var abandoned: [UInt64] = []
  var deliveries: [Delivery] = []
  private var answers: [TokenPoolMachine.Answer] = []

  init(seed: UInt64 = 1, _ configure: (inout TokenPoolConfiguration) -> Void = { _ in }) {
    var configuration = TokenPoolConfiguration()
    configure(&configuration)
    machine = TokenPoolMachine(configuration)
    chance = SplitMix64(seed: seed)
  }

  static func ticket(_ number: Int) -> Ticket {
    Ticket(shard: 0, slot: UInt32(number), serial: 1)
  }

  var snapshot: TokenPoolSnapshot { machine.snapshot(at: now) }

  mutating func tell(_ input: TokenPoolMachine.Input) {
    machine.handle(input, at: now, chance: &chance, into: &answers)
    for answer in answers {
      switch answer {
      case .mint(let id, let request):
        let mint = Mint(id: id, request: request, sentAt: now)
        mints.append(mint)
        pending.append(mint)
      case .abandonMint(let id): abandoned.append(id)
      case .deliver(let ticket, let result):
        deliveries.append(Delivery(ticket: ticket, result: result, at: now))
      }
    }
    answers.removeAll()
  }

  mutating func request(
    _ number: Int, _ purpose: TokenPoolMachine.Purpose = .newSession,
    within: Duration = .seconds(60)
  ) {
    tell(.requested(Self.ticket(number), purpose, by: now.advanced(by: within)))
  }

  /// Lets time pass up to `end`; the pool's deadlines and the service's answers come when due.
  mutating func run(until end: EngineInstant) {
    while true {
      let answered = pending.firstIndex { answer($0) != nil }
      let answerAt = answered.map { max(now, pending[$0].sentAt.advanced(by: latency)) } ?? .never
      let alarm = max(now, machine.nextDeadline(after: now))
      let next = min(answerAt, alarm)
      guard next <= end else { break }
      now = next
      guard answerAt <= alarm, let answered else {
        tell(.timePassed)
        continue
      }
      let mint = pending.remove(at: answered)
      switch answer(mint) {
      case .success(let token)?: tell(.minted(id: mint.id, token))
      case .failure(let error)?: tell(.mintFailed(id: mint.id, error))
      case nil: break
      }
    }
    now = end
    tell(.timePassed)
  }

  mutating func run(for duration: Duration) { run(until: now.advanced(by: duration)) }
}

extension MintError {
  static let down = MintError(.unavailable, message: "down", httpStatus: 503)
  static let badKey = MintError(.keyRefused, message: "not valid", httpStatus: 400)
  static let badRequest = MintError(.invalidRequest, message: "no", httpStatus: 400)
}
