// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import AsyncHTTPClient
public import NIOCore
internal import NIOHTTP1
public import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Mints tokens over HTTP: `POST …/auth_tokens` with a long-lived API key.
///
/// The key travels in one header, over TLS, to the endpoint alone: redirects are not followed. It
/// and the token are in no error. A failure that may pass is tried once more after a short pause;
/// when to ask again after that is ``TokenPool``'s business.
///
/// Whoever makes a minter calls ``shutdown()`` when it is no longer used; where that is forgotten, a
/// debug build ends with a trap of the HTTP client.
public final class HTTPTokenMinter: TokenMinter {
  /// How a minter connects and how long it tries.
  public struct Configuration: Sendable {
    /// TLS, for endpoints that use it.
    public var tls = NIOTransportConfiguration.TLS()
    /// A proxy through which requests go; none by default.
    public var proxy: NIOTransportConfiguration.Proxy?
    /// How long one attempt may take, from connecting to the last byte. Default 10 s.
    public var timeout: Duration = .seconds(10)
    /// How often one mint is attempted at most. Default 2. Tried again is after HTTP 408, 429 and
    /// 5xx, and when there was no answer; then a token may have been minted that nobody will use.
    public var attempts = 2
    /// The pause before the second attempt, doubled before each further one; the upper half of it is
    /// left to chance. Default 250 ms. An answer that asks for a longer wait than
    /// ``maxPause`` ends the mint with that wish in the error.
    public var pause: Duration = .milliseconds(250)
    /// The longest pause. Default 2 s.
    public var maxPause: Duration = .seconds(2)

    /// The documented defaults.
    public init() {}
  }

  private let endpoint: LiveEndpoint
  private let apiKey: Secret
  private let configuration: Configuration
  private let client: HTTPClient
  private let generator: Mutex<SplitMix64>

  /// Makes a minter; nothing is opened before the first mint.
  ///
  /// - Parameters:
  ///   - endpoint: The service.
  ///   - apiKey: The key that pays. It never leaves but in the header of a request.
  ///   - group: The loops on which the HTTP client works.
  ///   - configuration: Trust, proxy and patience.
  ///   - seed: Seed of the pauses; drawn from the system's generator if `nil`.
  public init(
    endpoint: LiveEndpoint = .geminiDeveloper, apiKey: Secret,
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    configuration: Configuration = Configuration(), seed: UInt64? = nil
  ) throws(MintError) {
    try endpoint.checkMinting()
    guard UpgradeRequest.isOneWord(endpoint.host),
      [endpoint.port, configuration.proxy?.port ?? 1].allSatisfy({ (1...65_535).contains($0) })
    else { throw MintError(.invalidRequest, message: "there is no such host or port") }
    self.endpoint = endpoint
    self.apiKey = apiKey
    self.configuration = configuration
    generator = Mutex(SplitMix64(seed: seed ?? UInt64.random(in: .min ... .max)))
    guard apiKey.withUnsafeBytes({ !$0.isEmpty && $0.allSatisfy { $0 > 0x20 && $0 < 0x7F } }) else {
      throw MintError(.keyRefused, message: "the API key is not one word of ASCII")
    }
    guard !apiKey.isEphemeralTokenName else {
      throw MintError(.keyRefused, message: "a token mints no tokens; that takes an API key")
    }
    do {
      client = HTTPClient(
        eventLoopGroup: group,
        configuration: try Self.clientConfiguration(configuration, host: endpoint.host))
    } catch {
      throw MintError(
        .invalidRequest, message: "the TLS configuration cannot be used: \(error)", cause: error)
    }
  }

  /// Closes the minter's connections. Mints that are under way fail; later ones fail, too. Where a host
  /// does not answer a connect that has begun, this takes up to ``Configuration/timeout``. Sockets over
  /// TLS are gone a moment after the return, when both sides have said farewell.
  public func shutdown() async {
    // It fails only if it was shut down before.
    try? await client.shutdown()
  }

  /// Mints one token. Cancelling the task aborts the request.
  public func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    try request.options.validate()
    let body = request.encodedBody()
    var attempt = 1
    while true {
      do throws(MintError) {
        return try await self.attempt(body, request.options)
      } catch {
        guard attempt < configuration.attempts, let pause = pause(after: error, attempt) else {
          throw error
        }
        await wait(pause)
        if Task.isCancelled { throw Self.cancelled }
        attempt += 1
      }
    }
  }

  // MARK: One attempt

  /// The client's own deadline ends with the head of the answer; this one covers all of it.
  private func attempt(
    _ body: [UInt8], _ options: MintOptions
  ) async throws(MintError) -> MintedToken {
    let limit = options.timeout ?? configuration.timeout
    let result = await withTaskGroup(of: Result<MintedToken, MintError>?.self) { group in
      group.addTask { await self.outcome(body, options) }
      group.addTask {
        await self.wait(limit)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    if Task.isCancelled, (try? result?.get()) == nil { throw Self.cancelled }
    guard let result else {
      throw MintError(.unreachable, message: "no answer within \(limit)")
    }
    return try result.get()
  }

  private func outcome(
    _ body: [UInt8], _ options: MintOptions
  ) async -> Result<MintedToken, MintError> {
    do {
      let response = try await client.execute(
        request(body, options),
        timeout: .nanoseconds((options.timeout ?? configuration.timeout).nanoseconds))
      let bytes = try await bytes(of: response)
      return Result { () throws(MintError) in
        try token(response.status, response.headers, Array(buffer: bytes))
      }
    } catch is WrongName {
      let message = "the certificate is not for \(endpoint.host)"
      return .failure(MintError(.unreachable, message: message))
    } catch {
      return .failure(
        MintError(.unreachable, message: "no answer from \(endpoint.host)", cause: error))
    }
  }

  /// The body, or nothing if it is over 64 KiB: that holds no token, and a refusal without its text is
  /// a refusal all the same.
  private func bytes(of response: HTTPClientResponse) async throws -> ByteBuffer {
    do {
      return try await response.body.collect(upTo: 65_536)
    } catch is NIOTooManyBytesError {
      return ByteBuffer()
    }
  }

  private func request(_ body: [UInt8], _ options: MintOptions) -> HTTPClientRequest {
    let scheme = endpoint.usesTLS ? "https" : "http"
    let authority = UpgradeRequest.authority(endpoint)
    var request = HTTPClientRequest(url: "\(scheme)://\(authority)\(endpoint.mintPath)")
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/json")
    request.headers.add(name: "x-goog-api-key", value: apiKey.reveal())
    for header in options.requestHeaders {
      request.headers.add(name: header.name, value: header.value)
    }
    request.body = .bytes(ByteBuffer(bytes: body))
    return request
  }

  private func token(
    _ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: [UInt8]
  ) throws(MintError) -> MintedToken {
    let date = headers.first(name: "date").flatMap(WallTime.init(httpDate:))
    guard status == .ok else {
      throw MintError(
        httpStatus: Int(status.code), body: body,
        retryAfter: ResponseHead.wait(headers.first(name: "retry-after"), date: date),
        hiding: [apiKey])
    }
    return try MintedToken(decodingBody: body, serverDate: date)
  }

  private static let cancelled = MintError(.cancelled, message: "the mint was cancelled")

  // MARK: Pauses

  /// How long to wait before the next attempt; nil if this failure is the last word.
  private func pause(after error: MintError, _ attempt: Int) -> Duration? {
    guard [.unavailable, .quotaExceeded, .unreachable].contains(error.code) else { return nil }
    let limit = configuration.maxPause
    let longest = min(configuration.pause * Int(1 << min(attempt - 1, 20)), limit)
    let half = longest.nanoseconds / 2
    let pause = Duration.nanoseconds(half + generator.withLock { $0.nanoseconds(upTo: half) })
    guard let wished = error.retryAfter else { return pause }
    return wished <= limit ? max(wished, pause) : nil
  }

  /// Returns after a time, or at once when the task is cancelled.
  private func wait(_ duration: Duration) async {
    let alarm = client.eventLoopGroup.any().scheduleTask(in: .nanoseconds(duration.nanoseconds)) {}
    await withTaskCancellationHandler {
      _ = try? await alarm.futureResult.get()
    } onCancel: {
      alarm.cancel()
    }
  }

  static func clientConfiguration(
    _ configuration: Configuration, host: String
  ) throws -> HTTPClient.Configuration {
    var result = HTTPClient.Configuration(
      tlsConfiguration: try configuration.tls.clientConfiguration(),
      redirectConfiguration: .disallow)
    result.httpVersion = .http1Only
    // The deadline of an attempt is kept by us; the client's own for connecting is another.
    result.timeout.connect = .nanoseconds(configuration.timeout.nanoseconds)
    // A refused connection is an answer; when to try again is decided here.
    result.connectionPool.retryConnectionEstablishment = false
    if configuration.tls.verification == .full {
      result.http1_1ConnectionDebugInitializer = { Self.proveName(of: host, on: $0) }
    }
    if let proxy = configuration.proxy {
      result.proxy = .server(
        host: proxy.host, port: proxy.port,
        authorization: proxy.credentials.map {
          .basic(
            credentials: $0.withUnsafeBytes { bytes in
              String(decoding: UpgradeRequest.base64(bytes), as: UTF8.self)
            })
        })
    }
    return result
  }
}

// MARK: - Whom the key goes to

extension HTTPTokenMinter {
  private struct WrongName: Error {}

  /// Fails, before anything is sent, if TLS is spoken with somebody whose certificate does not name the
  /// host: an address in it is enough for NIOSSL, and not for us (see ``CertificateName``).
  private static func proveName(of host: String, on channel: any Channel) -> EventLoopFuture<Void> {
    guard let handler = try? channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
    else { return channel.eventLoop.makeSucceededVoidFuture() }
    if let certificate = handler.peerCertificate, CertificateName.isProven(host, by: certificate) {
      return channel.eventLoop.makeSucceededVoidFuture()
    }
    // The client takes note of the failure first; a close before it would surprise it.
    channel.eventLoop.execute { channel.close(promise: nil) }
    return channel.eventLoop.makeFailedFuture(WrongName())
  }
}
#endif
