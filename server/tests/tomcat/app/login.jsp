<%@ page contentType="text/html; charset=UTF-8" trimDirectiveWhitespaces="true" %>
<!DOCTYPE html>
<html lang="en">
<head><title>Sign in</title></head>
<body>
<h1>Sign in</h1>
<form method="post" action="j_security_check">
<p><label>Name <input name="j_username" autocomplete="username"></label></p>
<p><label>Password <input name="j_password" type="password" autocomplete="current-password"></label></p>
<p><button>Sign in</button></p>
</form>
</body>
</html>
