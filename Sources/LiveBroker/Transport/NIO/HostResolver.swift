// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore
internal import NIOPosix
internal import Synchronization

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Resolves names on threads of NIO's pool for blocking calls, and keeps the answers.
///
/// A kept answer is used at once; when it is no longer young, one question is asked beside the
/// dials, and a failure of it keeps the old answer for its time. Of one name at most one question is
/// under way.
final class HostResolver: Sendable {
  struct Failure: Error {
    var message: String
  }
  typealias Answer = Result<[SocketAddress], Failure>
  typealias Waiter = @Sendable (Answer) -> Void
  /// Asks the system; called on a thread that may block.
  typealias Lookup = @Sendable (String) -> Answer
  /// Runs something that may block elsewhere.
  typealias Blocking = @Sendable (@escaping @Sendable () -> Void) -> Void

  private struct Entry {
    var addresses: [SocketAddress] = []
    var resolvedAt = EngineInstant.zero
    var askedAt = EngineInstant.zero
    var isAsking = false
    var isDistrusted = false
    var waiters: [Waiter] = []
  }

  private let entries = Mutex<[String: Entry]>([:])
  private let configuration: NIOTransportConfiguration.Resolver
  private let clock: any EngineClock
  private let lookup: Lookup
  private let blocking: Blocking

  init(
    _ configuration: NIOTransportConfiguration.Resolver, clock: any EngineClock = SystemClock(),
    lookup: @escaping Lookup = HostResolver.ask,
    blocking: @escaping Blocking = { work in NIOThreadPool.singleton.submit { _ in work() } }
  ) {
    self.configuration = configuration
    self.clock = clock
    self.lookup = lookup
    self.blocking = blocking
  }

  /// The addresses of a name, best first; nil if `waiter` will be told, from any thread.
  func addresses(of host: String, orTell waiter: @escaping Waiter) -> [SocketAddress]? {
    let now = clock.now
    let (known, mustAsk) = entries.withLock { entries in
      if entries[host] == nil { Self.makeRoom(&entries, configuration.maxNames) }
      var entry = entries[host] ?? Entry()
      defer { entries[host] = entry }
      let isKnown =
        !entry.addresses.isEmpty && entry.resolvedAt.duration(to: now) < configuration.keepFor
      if !isKnown { entry.waiters.append(waiter) }
      let isYoung =
        isKnown && !entry.isDistrusted
        && entry.askedAt.duration(to: now) < configuration.refreshAfter
      let mustAsk = !isYoung && !entry.isAsking
      if mustAsk {
        entry.isAsking = true
        entry.isDistrusted = false
        entry.askedAt = now
      }
      return (isKnown ? entry.addresses : nil, mustAsk)
    }
    if mustAsk { blocking { self.answered(host, self.lookup(host)) } }
    return known
  }

  /// No address of the name answered: the next dial asks anew, beside its own attempt.
  func distrust(_ host: String) {
    entries.withLock { $0[host]?.isDistrusted = true }
  }

  /// This address answered: it goes first from now on.
  func prefer(_ address: SocketAddress, of host: String) {
    entries.withLock { entries in
      guard let found = entries[host]?.addresses, found.count > 1,
        let index = found.firstIndex(where: { $0.ipAddress == address.ipAddress }), index > 0
      else { return }
      entries[host]?.addresses.swapAt(0, index)
    }
  }

  private func answered(_ host: String, _ answer: Answer) {
    let now = clock.now
    let waiters = entries.withLock { entries in
      guard var entry = entries[host] else { return [Waiter]() }
      entry.isAsking = false
      let waiters = entry.waiters
      entry.waiters = []
      if case .success(let addresses) = answer, !addresses.isEmpty {
        let best = entry.addresses.first?.ipAddress
        entry.addresses = addresses
        entry.resolvedAt = now
        if let index = addresses.firstIndex(where: { $0.ipAddress == best }) {
          entry.addresses.swapAt(0, index)
        }
      }
      entries[host] = entry
      return waiters
    }
    for waiter in waiters { waiter(answer) }
  }

  /// The name that was asked for longest ago makes room; ties go to the smaller name.
  private static func makeRoom(_ entries: inout [String: Entry], _ limit: Int) {
    guard entries.count >= max(1, limit) else { return }
    let idle = entries.filter { $0.value.waiters.isEmpty && !$0.value.isAsking }
    let oldest = idle.min { ($0.value.askedAt, $0.key) < ($1.value.askedAt, $1.key) }
    if let oldest { entries[oldest.key] = nil }
  }

  /// Asks the system's resolver, and blocks until it answers.
  static func ask(_ host: String) -> Answer {
    var hints = addrinfo()
    #if canImport(Glibc)
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    #else
    hints.ai_socktype = SOCK_STREAM
    #endif
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard status == 0 else {
      return .failure(Failure(message: String(cString: gai_strerror(status))))
    }
    var addresses: [SocketAddress] = []
    var next = list
    while let info = next {
      if let address = address(info.pointee, host) { addresses.append(address) }
      next = info.pointee.ai_next
    }
    return addresses.isEmpty ? .failure(Failure(message: "no address")) : .success(addresses)
  }

  private static func address(_ info: addrinfo, _ host: String) -> SocketAddress? {
    guard let raw = UnsafeRawPointer(info.ai_addr) else { return nil }
    switch info.ai_family {
    case AF_INET: return SocketAddress(raw.loadUnaligned(as: sockaddr_in.self), host: host)
    case AF_INET6: return SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self), host: host)
    default: return nil
    }
  }
}
#endif
